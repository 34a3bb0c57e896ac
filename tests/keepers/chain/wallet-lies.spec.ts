import path from 'node:path';
import { Address, beginCell, Cell, loadMessage, type Message, storeTransaction, toNano } from '@ton/core';
import {
    type ChainClient,
    ChainWallet,
    type ChainWalletOptions,
    transactionsSince,
    walletKeyFromSeed,
} from '../../../keepers/chain';
import { openOutboxFile } from '../../../keepers/ledger';
import { temporaryFolder } from '../ledger/temporary-folder';
import { seedOf, useDevnet } from './devnet-fixture';
import { clientOver, isAbout, type Lie, type V2Call } from './lying-endpoint';
import { nextTransaction } from './model-account';

const fixture = useDevnet();
const folder = temporaryFolder();
const two = ['liar', 'honest'];
const three = [...two, 'other'];

type Options = Partial<ChainWalletOptions>;

async function walletOf(name: string, client: ChainClient, options: Options = {}): Promise<ChainWallet> {
    const key = walletKeyFromSeed(seedOf(name));
    const wallet = new ChainWallet({ client, key, pollIntervalMs: 5, ...options });
    await fixture.devnet.chain.payFromFaucet(wallet.address, toNano('10'));
    return wallet;
}

const addressOf = (name: string) =>
    new ChainWallet({ client: fixture.client, key: walletKeyFromSeed(seedOf(name)) }).address;
const receiverOf = (name: string) => new Address(0, seedOf(`receiver of ${name}`));

/** One TON; resolves to `ok` or the error's code. */
function pay(wallet: ChainWallet, name: string, timeoutMs = 20_000): Promise<string> {
    const sent = wallet.sendAndConfirm([{ to: receiverOf(name), value: toNano('1'), bounce: false }], { timeoutMs });
    return sent.then(
        () => 'ok',
        (error: { code: string }) => error.code,
    );
}

const payments = async (name: string) =>
    (await transactionsSince(fixture.client, receiverOf(name), { fromLt: 0n })).length;

/** A page of one transaction of `address`, newer than anything, that names nothing before it. */
function forgedPage(address: Address, inMessage?: Message) {
    const lt = 1_000_000_000_000n;
    const base = nextTransaction(undefined, lt).transaction;
    const value = { ...base, inMessage, address: BigInt(`0x${address.hash.toString('hex')}`) };
    const cell = beginCell().store(storeTransaction(value)).endCell();
    const id = { lt: lt.toString(), hash: cell.hash().toString('base64') };
    return [{ data: cell.toBoc().toString('base64'), transaction_id: id }];
}

interface ToldAccount {
    data: string;
    last_transaction_id: { lt: string; hash: string };
}

const isAccount = (call: V2Call, name: string) =>
    call.method === 'getAddressInformation' && isAbout(call, addressOf(name));

/** The account with `seqnos` more taken, of a later logical time. */
function moved(honest: unknown, { seqnos, lts }: { seqnos: number; lts: bigint }): ToldAccount {
    const told = honest as ToldAccount;
    const data = Cell.fromBase64(told.data).beginParse();
    const allowed = data.loadBit();
    const seqno = data.loadUint(32) + seqnos;
    const changed = beginCell().storeBit(allowed).storeUint(seqno, 32).storeSlice(data).endCell();
    const lt = (BigInt(told.last_transaction_id.lt) + lts).toString();
    return {
        ...told,
        data: changed.toBoc().toString('base64'),
        last_transaction_id: { ...told.last_transaction_id, lt },
    };
}

describe('one endpoint of two', () => {
    it.each([1, 3, Infinity])('that makes up a newest transaction %d times has nothing paid twice', async (times) => {
        const name = `forged ${times}`;
        let lies = 0;
        const lie: Lie = async (call) => {
            if (call.host !== 'liar' || call.method !== 'getTransactions') return undefined;
            return isAbout(call, addressOf(name)) && lies++ < times ? forgedPage(addressOf(name)) : undefined;
        };
        expect(await pay(await walletOf(name, clientOver(fixture, two, lie)), name)).toBe('ok');
        expect(await payments(name)).toBe(1);
        expect(lies).toBeGreaterThan(0);
    });

    it.each([
        ['executed', false],
        ['lost', true],
    ])(
        'that says once, at the signing, that the account is far newer does not block the wallet: %s',
        async (fate, isLost) => {
            const name = `far newer, ${fate}`;
            let phase: 'honest' | 'lying' | 'after' = 'honest';
            const lie: Lie = async (call) => {
                if (phase === 'after' && isLost && call.method === 'sendBoc') return {};
                if (phase !== 'lying' || !isAccount(call, name)) return undefined;
                phase = 'after';
                return moved(await call.honestly(), { seqnos: 0, lts: 10n ** 18n });
            };
            const file = openOutboxFile({ file: path.join(folder, `${fate}.sqlite`) });
            const wallet = await walletOf(name, clientOver(fixture, two, lie), { journal: file.outbox });
            expect(await pay(wallet, name)).toBe('ok');
            phase = 'lying';
            expect(await pay(wallet, name, 200)).toBe('not_confirmed');
            // A new process, with honest endpoints only.
            const later = await walletOf(name, fixture.client, { journal: file.outbox });
            await fixture.devnet.chain.warp(1_000);
            expect(await pay(later, name)).toBe('ok');
            expect(await payments(name)).toBe(isLost ? 2 : 3);
            await file.close();
        },
    );

    it('that says once, at the signing, that the account is a little newer has nothing paid twice', async () => {
        const name = 'a little newer';
        let lies = 0;
        const lie: Lie = async (call) => {
            if (call.host !== 'liar' || !isAccount(call, name) || lies++ > 0) return undefined;
            return moved(await call.honestly(), { seqnos: 0, lts: 5_000_000n });
        };
        await pay(await walletOf(name, fixture.client), 'warm');
        const wallet = await walletOf(name, clientOver(fixture, two, lie));
        const paid = pay(wallet, name);
        while ((await payments(name)) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        // The message was executed before what was said to be the account's last transaction; now the account passes that.
        for (let i = 0; i < 8; i++) await fixture.devnet.chain.payFromFaucet(wallet.address, 1n);
        expect(await paid).toBe('ok');
        expect(await payments(name)).toBe(1);
    });
});

describe('one endpoint of three', () => {
    it('that swallows a message and says it was executed keeps nobody from being paid', async () => {
        const name = 'swallowed';
        let swallowed: Cell | null = null;
        let isLying = false;
        const lie: Lie = async (call) => {
            if (call.host !== 'liar' || !isLying) return undefined;
            if (call.method === 'sendBoc') swallowed = Cell.fromBase64(call.params.boc!);
            if (call.method === 'sendBoc') return {};
            if (swallowed === null || !isAbout(call, addressOf(name))) return undefined;
            const page = forgedPage(addressOf(name), loadMessage(swallowed.beginParse()));
            if (call.method === 'getTransactions') return page;
            return {
                ...moved(await call.honestly(), { seqnos: 1, lts: 1n }),
                last_transaction_id: page[0]!.transaction_id,
            };
        };
        const wallet = await walletOf(name, clientOver(fixture, three, lie));
        expect(await pay(wallet, name)).toBe('ok');
        isLying = true;
        expect(await pay(wallet, name)).toBe('ok');
        expect(swallowed).not.toBeNull();
        expect(await payments(name)).toBe(2);
    });

    it('that shows the account as it was for ever does not keep it from being seen that a message was executed', async () => {
        const name = 'as it was';
        let shown: unknown;
        const lie: Lie = async (call) =>
            call.host === 'liar' && isAccount(call, name) ? (shown ??= await call.honestly()) : undefined;
        const wallet = await walletOf(name, clientOver(fixture, three, lie));
        expect(await pay(wallet, name, 300)).toBe('ok');
        expect(await payments(name)).toBe(1);
    });
});

describe('with the endpoints of one operator', () => {
    it('a wallet that was told wrongly that its message was executed signs for the right number once the next has run out', async () => {
        const name = 'misled';
        let sent: Cell | null = null;
        let phase: 'honest' | 'lying' = 'honest';
        const lie: Lie = async (call) => {
            if (phase === 'honest') return undefined;
            if (call.method === 'sendBoc') sent = Cell.fromBase64(call.params.boc!);
            if (call.method === 'sendBoc') return {};
            if (sent === null || !isAbout(call, addressOf(name))) return undefined;
            const page = forgedPage(addressOf(name), loadMessage(sent.beginParse()));
            if (call.method === 'getTransactions') phase = 'honest';
            if (call.method === 'getTransactions') return page;
            const told = moved(await call.honestly(), { seqnos: 1, lts: 0n });
            return {
                ...told,
                last_transaction_id: { ...told.last_transaction_id, hash: page[0]!.transaction_id.hash },
            };
        };
        const wallet = await walletOf(name, clientOver(fixture, ['liar'], lie));
        expect(await pay(wallet, name)).toBe('ok');
        phase = 'lying';
        await pay(wallet, name);
        expect(phase).toBe('honest');
        expect(await pay(wallet, name)).toBe('message_rejected');
        await fixture.devnet.chain.warp(100);
        expect(await pay(wallet, name)).toBe('ok');
        expect(await payments(name)).toBe(2);
    });
});

describe('a wallet', () => {
    it('signs so often and no more where no message arrives', async () => {
        const name = 'unheard';
        const signed = new Set<string>();
        const lie: Lie = async ({ method, params }) => {
            if (method !== 'sendBoc') return undefined;
            signed.add(params.boc!);
            await fixture.devnet.chain.warp(100);
            return {};
        };
        const wallet = await walletOf(name, clientOver(fixture, ['one'], lie));
        expect(await pay(wallet, name, 60_000)).toBe('not_executed');
        expect(signed.size).toBe(9);
        expect(await payments(name)).toBe(0);
    });

    it('asks for its account once more at each of two operators to know that a message was executed, at one operator not at all', async () => {
        for (const hosts of [['one'], ['one', 'another']]) {
            const name = `counted ${hosts.join()}`;
            const asked: string[] = [];
            const lie: Lie = async (call) => {
                const isOwn = call.method === 'sendBoc' || isAbout(call, addressOf(name));
                if (isOwn) asked.push(`${call.host} ${call.method}`);
                return undefined;
            };
            expect(await pay(await walletOf(name, clientOver(fixture, hosts, lie)), name)).toBe('ok');
            const count = (what: string) => asked.filter((one) => one === what).length;
            const looks = count('one sendBoc');
            const more = hosts.length - 1;
            expect(count('one getAddressInformation')).toBe(1 + looks + more);
            expect(count('another getAddressInformation')).toBe(more);
            expect(count('one getTransactions') + count('another getTransactions')).toBe(1);
        }
    });
});
