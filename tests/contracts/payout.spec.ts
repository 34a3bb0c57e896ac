import '@ton/test-utils';
import { beginCell, Cell, CommonMessageInfoInternal, toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { loadListHub, Payout as PayoutBinding } from '../../build/Payout/Payout_Payout';
import { Payout, payoutErrors } from '../../wrappers';
import { testKey } from './support/ed25519';
import { exitCodeOf } from './support/settlement-outcomes';
import { whileRefusing } from './support/stepping';
import {
    closeDelaySec,
    createSettlement,
    SettlementEnvironment,
    startTime,
    TestNode,
} from './support/settlement-environment';
import { atPrices, yearsAtPrices } from '../support/fee-config';

let env: SettlementEnvironment;

beforeEach(async () => {
    env = await createSettlement({ feeBps: 250 });
});

// Whatever a test did: nothing was lost or made, and the hub can pay what it owes and its storage.
afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    expect(await hubBalance()).toBeGreaterThanOrEqual((await env.hub.getState()).liabilitiesNano);
});

async function hubBalance(): Promise<bigint> {
    return (await env.blockchain.getContract(env.hub.address)).balance;
}

function expectRefused(result: SendMessageResult, text: string): void {
    expect(payoutErrors.get(exitCodeOf(result, env.hub.address) ?? 0)).toBe(text);
}

function newNode(name: string): TestNode {
    return { key: testKey(name), owner: env.settler };
}

/** The sandbox makes a wallet's money from nowhere. */
async function newWallet(name: string) {
    const before = env.money.leak();
    const wallet = await env.blockchain.treasury(name);
    env.money.minted(before - env.money.leak());
    return wallet;
}

async function earn(amountNano: bigint): Promise<void> {
    await env.settle([env.line(env.nodes[0]!, { receiptNano: amountNano })]);
}

describe('the hub', () => {
    it('computes the escrow addresses that the wrapper computes', async () => {
        const { client, escrow } = env;
        expect(await env.hub.getEscrowAddress({ client: client.address, index: 0 })).toEqualAddress(escrow.address);
    });

    it('takes storage money from anyone, and nothing by plain transfer or unknown operation', async () => {
        const before = await env.hub.getState();
        await env.hub.sendTopUp(env.settler.getSender(), { valueNano: toNano('1') });
        expect((await env.hub.getState()).liabilitiesNano).toBe(before.liabilitiesNano);
        const plain = await env.settler.send({ to: env.hub.address, value: toNano('1') });
        const unknown = beginCell().storeUint(0x12345678, 32).endCell();
        const strange = await env.settler.send({ to: env.hub.address, value: toNano('1'), body: unknown });
        expect([exitCodeOf(plain, env.hub.address), exitCodeOf(strange, env.hub.address)]).toEqual([130, 130]);
    });

    it('keeps a reserve that covers its real storage for two years', async () => {
        const { storageReserveNano } = await env.hub.getState();
        const before = await hubBalance();
        env.at(startTime + 2 * 31_557_600);
        await env.hub.sendTopUp(env.settler.getSender(), { valueNano: toNano('1') });
        const storage = before + toNano('1') - (await hubBalance());
        expect(storage).toBeLessThan(storageReserveNano);
    });
});

describe('an admission', () => {
    it('stores owner, suite and expiry, and returns the excess', async () => {
        const node = newNode('late');
        const before = await env.settler.getBalance();
        await env.admit(node);
        expect(await env.hub.getNode(node.key.publicKey)).toEqual({
            ownerId: env.settler.address.hash,
            suite: 1,
            notAfter: startTime + 3 * 86_400,
            revokedAt: null,
            settlesUntil: startTime + 3 * 86_400 + closeDelaySec,
        });
        expect(await env.hub.getState()).toMatchObject({ nodeCount: 2, ownerCount: 2 });
        expect((await env.settler.getBalance()) - before).toBeGreaterThan(toNano('0.9'));
    });

    it('is taken from a genuine provider of the named owner only', async () => {
        const result = await env.admit(newNode('forged'), { from: env.settler.address });
        expectRefused(result, "Payout: sender is not the owner's provider");
        expect(await env.hub.getNode(testKey('forged').publicKey)).toBeNull();
    });

    it('is refused one nanoTON below its fee', async () => {
        const fee = await env.hub.getAdmitFee();
        const result = await env.admit(newNode('poor'), { valueNano: fee - 1n });
        expectRefused(result, 'Payout: value below the admission fee');
        await env.admit(newNode('poor'), { valueNano: fee });
        expect(await env.hub.getNode(testKey('poor').publicKey)).not.toBeNull();
    });

    it('again moves the expiry forward and never back', async () => {
        const node = newNode('again');
        await env.admit(node, { notAfter: startTime + 1000 });
        await env.admit(node, { notAfter: startTime + 2000 });
        await env.admit(node, { notAfter: startTime + 500 });
        expect(await env.hub.getNode(node.key.publicKey)).toMatchObject({ notAfter: startTime + 2000 });
        expect((await env.hub.getState()).nodeCount).toBe(2);
    });

    it('keeps the earliest revocation and never takes one back', async () => {
        const node = newNode('revoked');
        for (const revokedAt of [0, startTime + 900, startTime + 700, startTime + 800, 0]) {
            await env.admit(node, { revokedAt });
        }
        expect(await env.hub.getNode(node.key.publicKey)).toMatchObject({ revokedAt: startTime + 700 });
    });

    it('cannot take over a node of another provider', async () => {
        const taken = await env.admit(env.nodes[0]!, { owner: env.settler.address });
        expectRefused(taken, 'Payout: node belongs to another provider');
    });

    it('is refused to a key whose last 64 bits another node has, and to no key that differs in them', async () => {
        const node = env.nodes[0]!;
        const withByte = (offset: number): TestNode => {
            const publicKey = Buffer.from(node.key.publicKey);
            publicKey[offset]! ^= 1;
            return { ...node, key: { ...node.key, publicKey } };
        };
        expectRefused(await env.admit(withByte(23)), "Payout: another node's key ends alike");
        const near = withByte(24);
        await env.admit(near);
        expect(await env.hub.getNode(near.key.publicKey)).not.toBeNull();
    });

    it('waits until the hub holds its storage reserve', async () => {
        const poor = await Payout.createFromConfig({
            registry: env.registry.address,
            operator: env.operator.address,
            closeDelaySec,
            maxFeeBps: 100,
            initialFeeBps: 100,
            salt: 7,
        });
        const hub = env.blockchain.openContract(poor);
        await hub.sendTopUp(env.operator.getSender(), { valueNano: toNano('0.1') });
        const refused = await env.admit(newNode('early'), { hub: hub.address });
        expect(payoutErrors.get(exitCodeOf(refused, hub.address) ?? 0)).toBe('Payout: storage reserve missing');
        await hub.sendTopUp(env.operator.getSender(), { valueNano: (await hub.getState()).storageReserveNano });
        await env.admit(newNode('early'), { hub: hub.address });
        expect((await hub.getState()).nodeCount).toBe(1);
    });

    it('adds up the credits of all nodes of one owner, and keeps those of many owners apart', async () => {
        const nodes = Array.from({ length: 25 }, (_, i) => newNode(`many ${i}`));
        const owners = [];
        for (const [i, node] of nodes.entries()) {
            const owner = await newWallet(`many owner ${i % 24}`);
            owners.push(owner);
            await env.admit({ ...node, owner });
        }
        for (let start = 0; start < 25; start += 10) {
            const batch = nodes.slice(start, start + 10);
            await env.settle(batch.map((node, i) => env.line(node, { receiptNano: 4000n * BigInt(start + i + 1) })));
        }
        for (let i = 1; i < 24; i += 1) {
            expect(await env.hub.getCredit(owners[i]!.address)).toBe(3900n * BigInt(i + 1));
        }
        expect(await env.hub.getCredit(owners[0]!.address)).toBe(3900n * 26n);
        expect((await env.hub.getState()).ownerCount).toBe(25);
    });
});

describe('a claim', () => {
    it('pays the owner everything credited, once', async () => {
        await earn(toNano('4'));
        const owner = env.nodes[0]!.owner;
        const before = [await owner.getBalance(), await hubBalance()] as const;
        await env.hub.sendClaim(owner.getSender());
        expect((await owner.getBalance()) - before[0]).toBeGreaterThan(toNano('3.9') - atPrices(toNano('0.01')));
        expect(before[1] - (await hubBalance())).toBe(toNano('3.9'));
        expect(await env.hub.getState()).toMatchObject({ liabilitiesNano: toNano('0.1') });
        expectRefused(await env.hub.sendClaim(owner.getSender()), 'Payout: nothing to claim');
    });

    it('is refused to who has nothing there', async () => {
        expectRefused(await env.hub.sendClaim(env.settler.getSender()), 'Payout: nothing to claim');
    });

    it('is refused one nanoTON below its fee', async () => {
        await earn(toNano('1'));
        const owner = env.nodes[0]!.owner;
        const fee = await env.hub.getPayFee();
        const refused = await env.hub.sendClaim(owner.getSender(), { valueNano: fee - 1n });
        expectRefused(refused, 'Payout: value below fees');
        await env.hub.sendClaim(owner.getSender(), { valueNano: fee });
        expect(await env.hub.getCredit(owner.address)).toBe(0n);
    });

    it('waits for a top-up when storage has eaten into what the hub owes', async () => {
        await earn(toNano('9'));
        env.at(startTime + yearsAtPrices(20) * 31_557_600);
        const owner = env.nodes[0]!.owner;
        expectRefused(await env.hub.sendClaim(owner.getSender()), 'Payout: storage debt, top up first');
        await env.hub.sendTopUp(env.settler.getSender(), { valueNano: toNano('100') });
        await env.hub.sendClaim(owner.getSender());
        expect(await env.hub.getCredit(owner.address)).toBe(0n);
    });
});

describe('the operator', () => {
    it('withdraws the accrued fees and nothing else', async () => {
        await earn(toNano('4'));
        const before = await hubBalance();
        await env.hub.sendWithdrawFees(env.operator.getSender());
        expect(before - (await hubBalance())).toBe(toNano('0.1'));
        expect(await env.hub.getState()).toMatchObject({ accruedFeesNano: 0n, liabilitiesNano: toNano('3.9') });
        expectRefused(await env.hub.sendWithdrawFees(env.operator.getSender()), 'Payout: no fees to withdraw');
    });

    it('pays for its withdrawal, and waits while the storage reserve is short', async () => {
        await earn(toNano('4'));
        const fee = await env.hub.getPayFee();
        const refused = await env.hub.sendWithdrawFees(env.operator.getSender(), { valueNano: fee - 1n });
        expectRefused(refused, 'Payout: value below fees');
        env.at(startTime + yearsAtPrices(12) * 31_557_600);
        expectRefused(await env.hub.sendWithdrawFees(env.operator.getSender()), 'Payout: storage reserve missing');
        await env.hub.sendTopUp(env.settler.getSender(), { valueNano: toNano('5') });
        await env.hub.sendWithdrawFees(env.operator.getSender(), { valueNano: fee });
        expect((await env.hub.getState()).accruedFeesNano).toBe(0n);
    });

    it('lowers the fee at once', async () => {
        await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 100 });
        await earn(toNano('1'));
        expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(toNano('0.99'));
    });

    it('raises the fee after the close delay and not a second earlier', async () => {
        await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 1000 });
        const effectiveAt = startTime + closeDelaySec;
        expect(await env.hub.getState()).toMatchObject({ feeBps: 250, nextFee: { feeBps: 1000, effectiveAt } });
        env.at(effectiveAt - 1);
        await earn(toNano('1'));
        expect((await env.hub.getState()).accruedFeesNano).toBe(toNano('0.025'));
        env.at(effectiveAt);
        await earn(toNano('2'));
        expect((await env.hub.getState()).accruedFeesNano).toBe(toNano('0.125'));
        expect(await env.hub.getState()).toMatchObject({ feeBps: 1000, nextFee: null });
    });

    it('takes a waiting rise back by lowering, and starts the wait anew by raising again', async () => {
        await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 1000 });
        env.at(startTime + 100);
        await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 900 });
        const effectiveAt = startTime + 100 + closeDelaySec;
        expect((await env.hub.getState()).nextFee).toEqual({ feeBps: 900, effectiveAt });
        await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 250 });
        expect(await env.hub.getState()).toMatchObject({ feeBps: 250, nextFee: null });
    });

    it('cannot raise the fee above the maximum of the address', async () => {
        const above = await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 1001 });
        expectRefused(above, "Payout: fee above the hub's maximum");
        await env.hub.sendSetFee(env.operator.getSender(), { feeBps: 1000 });
        expect((await env.hub.getState()).nextFee!.feeBps).toBe(1000);
    });

    it('lists the hub in the registry with the bond it sent', async () => {
        const endpoint = beginCell().storeStringTail('https://hub.example').endCell();
        const valueNano = toNano('5');
        const result = await env.hub.sendAnnounce(env.operator.getSender(), { valueNano, endpoint });
        const listed = result.transactions.find((tx) => isListHub(tx.inMessage?.body))!;
        expect(listed.inMessage!.info.dest).toEqualAddress(env.registry.address);
        expect(loadListHub(listed.inMessage!.body.beginParse())).toMatchObject({
            closeDelaySec: BigInt(closeDelaySec),
            maxFeeBps: 1000n,
            initialFeeBps: 250n,
            salt: 0n,
            codeHash: BigInt('0x' + env.hub.init!.code.hash().toString('hex')),
        });
    });

    it('takes the hub off the list with all the value it sent', async () => {
        const result = await env.hub.sendWithdrawListing(env.operator.getSender(), { valueNano: toNano('2') });
        const sent = result.transactions.find(
            (tx) => tx.inMessage?.info.dest?.toString() === env.registry.address.toString(),
        )!;
        expect(sent.inMessage!.body.beginParse().preloadUint(32)).toBe(PayoutBinding.opcodes.UnlistHub);
        expect((sent.inMessage!.info as CommonMessageInfoInternal).value.coins).toBeGreaterThan(toNano('1.97'));
    });

    it.each([
        [
            'announces',
            () => env.hub.sendAnnounce(env.operator.getSender(), { valueNano: toNano('5'), endpoint: new Cell() }),
        ],
        [
            'withdraws its listing',
            () => env.hub.sendWithdrawListing(env.operator.getSender(), { valueNano: toNano('5') }),
        ],
    ])('gets its money back when the registry refuses what it %s', async (_, act) => {
        const before = [await env.operator.getBalance(), await hubBalance()] as const;
        await whileRefusing(env.blockchain, env.registry.address, async () => void (await act()));
        expect(before[0] - (await env.operator.getBalance())).toBeLessThan(toNano('0.05'));
        expect(await hubBalance()).toBe(before[1]);
    });

    it('gets back what the registry returns, and nobody else can play the registry', async () => {
        const body = beginCell().storeUint(PayoutBinding.opcodes.Excesses, 32).storeUint(0, 64).endCell();
        const before = await env.operator.getBalance();
        await env.registry.send({ to: env.hub.address, value: toNano('3'), body });
        expect((await env.operator.getBalance()) - before).toBeGreaterThan(toNano('2.9'));
        const forged = await env.settler.send({ to: env.hub.address, value: toNano('3'), body });
        expectRefused(forged, 'Payout: sender is not the registry');
    });

    it('is the only one to do so', async () => {
        const via = env.settler.getSender();
        const endpoint = new Cell();
        for (const result of [
            await env.hub.sendWithdrawFees(via),
            await env.hub.sendSetFee(via, { feeBps: 0 }),
            await env.hub.sendAnnounce(via, { valueNano: toNano('1'), endpoint }),
            await env.hub.sendWithdrawListing(via),
        ]) {
            expectRefused(result, 'Payout: sender is not the operator');
        }
    });
});

function isListHub(body: Cell | undefined): boolean {
    return (
        body !== undefined &&
        body.bits.length >= 32 &&
        body.beginParse().preloadUint(32) === PayoutBinding.opcodes.ListHub
    );
}
