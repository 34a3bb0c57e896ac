import { Address, beginCell, SendMode, toNano } from '@ton/core';
import { mnemonicNew } from '@ton/crypto';
import { WalletContractV5R1 } from '@ton/ton';
import { ChainWallet, parseWalletKey, transactionsSince, watchTransactions } from '../../../keepers/chain';
import { Escrow, openAllowanceNano } from '../../../wrappers';
import { seedOf, useDevnet } from './devnet-fixture';

const fixture = useDevnet();
const somewhere = (name: string) => new Address(0, seedOf(name));

describe('ChainWallet on a devnet', () => {
    it('deploys itself with its first message and says where the money went', async () => {
        const wallet = await fixture.wallet('first');
        const result = await wallet.sendAndConfirm([
            { to: somewhere('a'), value: toNano('1'), bounce: false },
            { to: somewhere('b'), value: toNano('2'), bounce: false },
        ]);
        expect(await fixture.client.getBalanceNano(somewhere('a'))).toBe(toNano('1'));
        expect(await fixture.client.getBalanceNano(somewhere('b'))).toBe(toNano('2'));
        expect(result.complete).toBe(true);
        expect(result.trace.map(({ depth, ok }) => ({ depth, ok }))).toEqual([
            { depth: 0, ok: true },
            { depth: 1, ok: true },
            { depth: 1, ok: true },
        ]);
        expect(result.trace[0]!.hash.toString('hex')).toBe(result.transactionHash);
        expect(await fixture.client.isDeployed(wallet.address)).toBe(true);
    });

    it('serialises what is sent at once, each message exactly once', async () => {
        const wallet = await fixture.wallet('busy');
        const sends = Array.from({ length: 6 }, () =>
            wallet.sendAndConfirm([{ to: somewhere('counter'), value: toNano('1'), bounce: false }]),
        );
        const results = await Promise.all(sends);
        expect(new Set(results.map(({ transactionHash }) => transactionHash)).size).toBe(6);
        expect(await transactionsSince(fixture.client, somewhere('counter'), { fromLt: 0n })).toHaveLength(6);
    });

    it('signs anew when another process of the same key took its seqno', async () => {
        const wallet = await fixture.wallet('shared');
        await wallet.sendAndConfirm([{ to: somewhere('warm'), value: 1n, bounce: false }]);
        const rival = await fixture.wallet('shared', 0n);
        const both = await Promise.all(
            [wallet, rival].map((one, i) =>
                one.sendAndConfirm([{ to: somewhere('raced'), value: BigInt(i + 1), bounce: false }]),
            ),
        );
        expect(both[0]!.transactionHash).not.toBe(both[1]!.transactionHash);
        expect(await transactionsSince(fixture.client, somewhere('raced'), { fromLt: 0n })).toHaveLength(2);
    });

    it('reports the exit code with which a contract refused', async () => {
        const wallet = await fixture.wallet('refused');
        const hub = somewhere('no hub');
        const escrow = await Escrow.createFromConfig({
            hub,
            network: seedOf('network'),
            client: somewhere('someone else'),
            index: 0,
            closeDelaySec: 60,
        });
        const opened = fixture.client.open(escrow);
        const send = opened.sendOpen(wallet.sender(), {
            sessionKey: seedOf('session'),
            sessionExpiresAt: (await fixture.client.getChainTimeSec()) + 1000,
            valueNano: toNano('1') + openAllowanceNano,
        });
        await expect(send).rejects.toMatchObject({ code: 'transaction_failed' });
        await send.catch((error: { exitCode: number }) => expect(error.exitCode).toBeGreaterThan(1));
    });

    it('refuses what the wallet can not pay, before sending', async () => {
        const wallet = await fixture.wallet('poor', toNano('1'));
        const send = wallet.sendAndConfirm([{ to: somewhere('rich'), value: toNano('1'), bounce: false }]);
        await expect(send).rejects.toMatchObject({ code: 'insufficient_gas_money' });
        expect(await fixture.client.getBalanceNano(wallet.address)).toBe(toNano('1'));
    });

    it('is the wallet that TON tools make from the same words', async () => {
        const words = await mnemonicNew();
        const key = await parseWalletKey(words.join(' '));
        const wallet = new ChainWallet({ client: fixture.client, key });
        expect(wallet.address.equals(WalletContractV5R1.create({ publicKey: key.publicKey }).address)).toBe(true);
        await expect(parseWalletKey('not a wallet')).rejects.toMatchObject({ code: 'wallet_invalid' });
    });
});

describe('watchTransactions on a devnet', () => {
    it('yields every transaction once, oldest first, over page borders', async () => {
        const wallet = await fixture.wallet('watched');
        for (let i = 0; i < 7; i++) {
            await wallet.sendAndConfirm([{ to: somewhere('sink'), value: BigInt(i + 1), bounce: false }]);
        }
        const all = await transactionsSince(fixture.client, somewhere('sink'), { fromLt: 0n, pageSize: 2 });
        const values = all.map(({ inMessage }) =>
            inMessage!.info.type === 'internal' ? inMessage!.info.value.coins : 0n,
        );
        expect(values).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n]);
        const later = await transactionsSince(fixture.client, somewhere('sink'), { fromLt: all[4]!.lt, pageSize: 2 });
        expect(later.map(({ lt }) => lt)).toEqual([all[5]!.lt, all[6]!.lt]);
    });

    it('goes on with what happens later and ends when aborted', async () => {
        const wallet = await fixture.wallet('live');
        const abort = new AbortController();
        const seen: bigint[] = [];
        const watching = (async () => {
            const options = { fromLt: 0n, pollIntervalMs: 10, signal: abort.signal };
            for await (const transaction of watchTransactions(fixture.client, somewhere('stream'), options)) {
                seen.push(transaction.lt);
                if (seen.length === 3) abort.abort();
            }
        })();
        for (let i = 0; i < 3; i++) {
            await wallet.sendAndConfirm([{ to: somewhere('stream'), value: 1n, bounce: false }]);
        }
        await watching;
        expect(seen).toEqual([...seen].sort((a, b) => Number(a - b)));
        expect(new Set(seen).size).toBe(3);
    });
});

describe('ChainClient on a devnet', () => {
    it('takes the time from the chain, not from the wall', async () => {
        const before = await fixture.client.getChainTimeSec();
        await fixture.devnet.chain.warp(100_000);
        expect(await fixture.client.getChainTimeSec()).toBeGreaterThanOrEqual(before + 100_000);
    });

    it('tells an account without code from a get method that fails', async () => {
        const escrow = fixture.client.open(Escrow.createFromAddress(somewhere('nobody')));
        await expect(escrow.getState()).rejects.toMatchObject({ code: 'account_inactive' });
        const wallet = await fixture.wallet('wrong method');
        await wallet.sendAndConfirm([{ to: somewhere('x'), value: 1n, bounce: false }]);
        const wrong = fixture.client.open(Escrow.createFromAddress(wallet.address));
        await expect(wrong.getState()).rejects.toMatchObject({ code: 'get_method_failed' });
    });

    it('names a message that no contract accepts', async () => {
        const wallet = await fixture.wallet('external');
        await wallet.sendAndConfirm([{ to: somewhere('y'), value: 1n, bounce: false }]);
        const opened = fixture.client.open(
            WalletContractV5R1.create({
                publicKey: (await parseWalletKey(seedOf('external').toString('hex'))).publicKey,
            }),
        );
        const forged = opened.sendTransfer({
            seqno: 77,
            messages: [],
            sendMode: SendMode.NONE,
            signer: async () => beginCell().storeUint(0, 512).endCell().bits.subbuffer(0, 512)!,
        });
        await expect(forged).rejects.toMatchObject({ code: 'message_rejected' });
    });
});
