import '@ton/test-utils';
import { beginCell, Cell, toNano } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { loadEscrowSettled } from '../../build/Payout/Payout_Payout';
import { buildSettlementLines, chargeRefusals, Escrow, payoutErrors } from '../../wrappers';
import { testKey } from './support/ed25519';
import { exitCodeOf, refusalReasonOf } from './support/settlement-outcomes';
import {
    closeDelaySec,
    createSettlement,
    sessionLifeSec,
    SettlementEnvironment,
    startTime,
} from './support/settlement-environment';
import { atPrices } from '../support/fee-config';

let env: SettlementEnvironment;

// Whatever a test did: nothing was lost or made, and the hub can pay what it owes.
afterEach(async () => {
    expect(env.money.leak()).toBe(0n);
    const { liabilitiesNano } = await env.hub.getState();
    const account = await env.blockchain.getContract(env.hub.address);
    expect(account.balance).toBeGreaterThanOrEqual(liabilitiesNano);
});

async function creditOf(index: number): Promise<bigint> {
    return env.hub.getCredit(env.nodes[index]!.owner.address);
}

function expectNothingCharged(result: SendMessageResult, reason: string): void {
    const code = refusalReasonOf(result, env.settler.address);
    expect(code === null ? null : chargeRefusals.get(code)).toBe(reason);
}

function expectRefused(result: SendMessageResult, text: string): void {
    expect(payoutErrors.get(exitCodeOf(result, env.hub.address) ?? 0)).toBe(text);
}

describe('a settlement', () => {
    it('pays one line to the provider less the fee, to the nanoTON', async () => {
        env = await createSettlement({ feeBps: 250 });
        const before = await env.escrow.getState();
        const hubBefore = (await env.blockchain.getContract(env.hub.address)).balance;
        await env.settle([env.line(env.nodes[0]!, { receiptNano: 1_000_000_039n })]);
        expect(await creditOf(0)).toBe(975_000_039n);
        expect(await env.hub.getState()).toMatchObject({
            accruedFeesNano: 25_000_000n,
            liabilitiesNano: 1_000_000_039n,
        });
        expect((await env.escrow.getState()).balanceNano).toBe(before.balanceNano - 1_000_000_039n);
        expect(await env.escrow.getPaid(env.nodes[0]!.key.publicKey)).toBe(1_000_000_039n);
        expect((await env.escrow.getState()).inFlight).toBeNull();
        const hubAfter = (await env.blockchain.getContract(env.hub.address)).balance;
        expect(hubAfter - hubBefore).toBe(1_000_000_039n);
    });

    it('pays ten lines in one batch, and says in its event how much each', async () => {
        env = await createSettlement({ nodes: 10, feeBps: 0 });
        const amounts = env.nodes.map((_, i) => toNano('0.1') + BigInt(i));
        const result = await env.settle(env.nodes.map((node, i) => env.line(node, { receiptNano: amounts[i]! })));
        expect(await Promise.all(amounts.map((_, i) => creditOf(i)))).toEqual(amounts);
        const [event] = result.externals;
        const settled = loadEscrowSettled(event!.body.beginParse());
        const paid = settled.amounts.beginParse();
        expect(amounts.map(() => paid.loadUintBig(64))).toEqual(amounts);
        expect(settled.total).toBe(amounts.reduce((sum, amount) => sum + amount));
        expect(settled.escrow).toEqualAddress(env.escrow.address);
    });

    it('returns the rest of the value to the settler', async () => {
        env = await createSettlement();
        const before = await env.settler.getBalance();
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })], { valueNano: toNano('5') });
        expect(before - (await env.settler.getBalance())).toBeLessThan(atPrices(toNano('0.05')));
    });

    it('refuses eleven lines before anything moves', async () => {
        env = await createSettlement({ nodes: 11 });
        const lines = env.nodes.map((node) => env.line(node, { receiptNano: 5n }));
        const [first, ...rest] = lines;
        const tail = buildSettlementLines(rest);
        const eleven = buildSettlementLines([first!]).beginParse();
        const cell = beginCell().storeSlice(eleven).storeRef(tail).endCell();
        expectRefused(await env.settleCell(cell), 'Payout: too many lines');
        expect((await env.hub.getState()).liabilitiesNano).toBe(0n);
    });

    it('refuses a value one nanoTON below the fee and takes the fee itself', async () => {
        env = await createSettlement();
        const lines = [env.line(env.nodes[0]!, { receiptNano: toNano('1') })];
        const fee = await env.hub.getSettleFee(1);
        expectRefused(await env.settle(lines, { valueNano: fee - 1n }), 'Payout: value below the settlement fee');
        expect(await creditOf(0)).toBe(0n);
        await env.settle(lines, { valueNano: fee });
        expect(await creditOf(0)).toBe(toNano('0.975'));
    });
});

describe('a receipt is paid once', () => {
    it('when it is posted twice', async () => {
        env = await createSettlement({ feeBps: 0 });
        const lines = [env.line(env.nodes[0]!, { receiptNano: toNano('1') })];
        await env.settle(lines);
        expectNothingCharged(await env.settle(lines), 'no line has anything left to pay under a valid cap');
        expect(await creditOf(0)).toBe(toNano('1'));
    });

    it('when it is in a batch twice', async () => {
        env = await createSettlement({ feeBps: 0 });
        const line = env.line(env.nodes[0]!, { receiptNano: toNano('1') });
        await env.settle([line, line]);
        expect(await creditOf(0)).toBe(toNano('1'));
    });

    it('when an older one follows a newer one, and the newer pays only the difference', async () => {
        env = await createSettlement({ feeBps: 0 });
        const [first, second] = [toNano('1'), toNano('3')].map((receiptNano) =>
            env.line(env.nodes[0]!, { receiptNano }),
        );
        await env.settle([first!]);
        await env.settle([second!]);
        expect(await creditOf(0)).toBe(toNano('3'));
        expectNothingCharged(await env.settle([first!]), 'no line has anything left to pay under a valid cap');
        expect(await creditOf(0)).toBe(toNano('3'));
    });
});

describe('a node gets the smaller of its receipt and its cap', () => {
    it.each([
        ['the cap is lower', '2', '1.5', '1.5'],
        ['the receipt is lower', '1', '4', '1'],
    ])('where %s', async (_, receipt, cap, paid) => {
        env = await createSettlement({ feeBps: 0 });
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano(receipt), capNano: toNano(cap) })]);
        expect(await creditOf(0)).toBe(toNano(paid));
    });

    it('and a lower, older cap after a higher one changes nothing', async () => {
        env = await createSettlement({ feeBps: 0 });
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]);
        const older = env.line(env.nodes[0]!, { receiptNano: toNano('3'), capNano: toNano('1') });
        expectNothingCharged(await env.settle([older]), 'no line has anything left to pay under a valid cap');
    });
});

describe('a bad line is skipped and does not block the rest', () => {
    const other = testKey('somebody else');

    it.each([
        ['network', { scope: { network: Buffer.alloc(32, 1) } }],
        ['escrow', { scope: { escrow: Buffer.alloc(32, 1) } }],
        ['epoch', { scope: { epoch: 7 } }],
        ['node signature', { nodeSigner: other }],
        ['cap network', { capScope: { network: Buffer.alloc(32, 1) } }],
        ['cap escrow', { capScope: { escrow: Buffer.alloc(32, 1) } }],
        ['cap epoch', { capScope: { epoch: 7 } }],
        ['cap signature', { capSigner: other }],
        ['session key', { session: other }],
    ])('with a wrong %s', async (_, wrong) => {
        env = await createSettlement({ nodes: 2, feeBps: 0 });
        const bad = env.line(env.nodes[0]!, { receiptNano: toNano('1'), ...wrong });
        const good = env.line(env.nodes[1]!, { receiptNano: toNano('1') });
        await env.settle([bad, good]);
        expect([await creditOf(0), await creditOf(1)]).toEqual([0n, toNano('1')]);
    });

    it('of a node that was never admitted', async () => {
        env = await createSettlement({ nodes: 1, feeBps: 0 });
        const stranger = { key: other, owner: env.settler };
        await env.settle([
            env.line(stranger, { receiptNano: toNano('1') }),
            env.line(env.nodes[0]!, { receiptNano: toNano('1') }),
        ]);
        expect([await env.escrow.getPaid(other.publicKey), await creditOf(0)]).toEqual([0n, toNano('1')]);
    });

    it.each([
        ['a padded receipt', (line: Cell) => rebuilt(line, { pad: true })],
        ['a truncated receipt', (line: Cell) => rebuilt(line, { bits: 984 })],
        ['a padded proof', (line: Cell) => rebuilt(line, { proof: rebuilt(line.refs[0]!, { pad: true }) })],
        ['a truncated proof', (line: Cell) => rebuilt(line, { proof: rebuilt(line.refs[0]!, { bits: 856 }) })],
        [
            'a padded cap signature',
            (line: Cell) => rebuilt(line, { proof: rebuilt(line.refs[0]!, { proof: padded() }) }),
        ],
        ['no proof', () => beginCell().storeBuffer(Buffer.alloc(124)).endCell()],
    ])('that has %s', async (_, spoil) => {
        env = await createSettlement({ nodes: 2, feeBps: 0 });
        const good = buildSettlementLines([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        const bad = spoil(buildSettlementLines([env.line(env.nodes[1]!, { receiptNano: toNano('1') })]));
        await env.settleCell(beginCell().storeSlice(good.beginParse()).storeRef(bad).endCell());
        expect([await creditOf(0), await creditOf(1)]).toEqual([toNano('1'), 0n]);
    });

    it('and a batch of bad lines only is refused', async () => {
        env = await createSettlement();
        const line = env.line(env.nodes[0]!, { receiptNano: 1n, nodeSigner: other });
        expectRefused(await env.settle([line]), 'Payout: no line passes');
    });
});

function rebuilt(cell: Cell, change: { bits?: number; pad?: boolean; proof?: Cell }): Cell {
    const builder = beginCell().storeBits(cell.bits.substring(0, change.bits ?? cell.bits.length));
    if (change.pad) builder.storeUint(0, 8);
    return builder.storeRef(change.proof ?? cell.refs[0]!).endCell();
}

function padded(): Cell {
    return beginCell().storeBuffer(Buffer.alloc(65)).endCell();
}

describe('an escrow smaller than its receipts', () => {
    it('pays what there is, line by line in order, and the remainder after a top-up', async () => {
        env = await createSettlement({ nodes: 3, feeBps: 0, depositNano: toNano('1') });
        const { balanceNano } = await env.escrow.getState();
        const lines = env.nodes.map((node) => env.line(node, { receiptNano: toNano('0.9') }));
        await env.settle(lines);
        expect([await creditOf(0), await creditOf(1), await creditOf(2)]).toEqual([
            toNano('0.9'),
            balanceNano - toNano('0.9'),
            0n,
        ]);
        expectNothingCharged(await env.settle(lines), 'the balance is empty');
        await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('3') });
        await env.settle(lines);
        expect([await creditOf(1), await creditOf(2)]).toEqual([toNano('0.9'), toNano('0.9')]);
    });
});

describe('the time in which a receipt is good', () => {
    it.each([
        ['in the close window', closeDelaySec - 100, true],
        ['in its last second', closeDelaySec, true],
        ['one second after it', closeDelaySec + 1, false],
    ])('of a closing escrow: posted %s', async (_, delay, paid) => {
        env = await createSettlement({ feeBps: 0 });
        await env.escrow.sendClose(env.client.getSender());
        env.at(startTime + delay);
        const result = await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        expect(await creditOf(0)).toBe(paid ? toNano('1') : 0n);
        if (!paid) expectNothingCharged(result, 'the close delay has passed');
    });

    it.each([
        ['expired', { notAfter: startTime + 100 }],
        ['revoked', { revokedAt: startTime + 100 }],
    ])('of a node whose key %s lasts a close delay longer and not a second more', async (_, admission) => {
        env = await createSettlement({ nodes: 0, feeBps: 0 });
        const node = { key: testKey('ageing'), owner: env.settler };
        await env.admit(node, admission);
        const until = startTime + 100 + closeDelaySec;
        expect((await env.hub.getNode(node.key.publicKey))!.settlesUntil).toBe(until);
        env.at(until);
        await env.settle([env.line(node, { receiptNano: toNano('1') })]);
        env.at(until + 1);
        expectRefused(await env.settle([env.line(node, { receiptNano: toNano('2') })]), 'Payout: no line passes');
        expect(await env.hub.getCredit(env.settler.address)).toBe(toNano('1'));
    });

    it('of a session key that expired lasts a close delay longer and not a second more', async () => {
        env = await createSettlement({ feeBps: 0 });
        env.at(startTime + sessionLifeSec + closeDelaySec);
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        env.at(startTime + sessionLifeSec + closeDelaySec + 1);
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]);
        expect(await creditOf(0)).toBe(toNano('1'));
    });

    it('of a replaced session key lasts a close delay longer and not a second more', async () => {
        env = await createSettlement({ feeBps: 0 });
        const next = testKey('next session');
        const sessionExpiresAt = startTime + 2 * sessionLifeSec;
        await env.escrow.sendSetSession(env.client.getSender(), { sessionKey: next.publicKey, sessionExpiresAt });
        env.at(startTime + closeDelaySec);
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        env.at(startTime + closeDelaySec + 1);
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]);
        expect(await creditOf(0)).toBe(toNano('1'));
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2'), session: next })]);
        expect(await creditOf(0)).toBe(toNano('2'));
    });
});

describe('a settlement that cannot be made', () => {
    it('returns the value when the escrow is in another epoch', async () => {
        env = await createSettlement();
        const line = env.line(env.nodes[0]!, { receiptNano: 1n, scope: { epoch: 5 } });
        expectNothingCharged(await env.settle([line], { epoch: 5 }), 'the receipts are of another epoch');
    });

    it('returns the value when the escrow is closed, and an old receipt never counts in the next epoch', async () => {
        env = await createSettlement();
        const old = env.line(env.nodes[0]!, { receiptNano: toNano('1') });
        await env.escrow.sendClose(env.client.getSender());
        env.at(startTime + closeDelaySec + 1);
        await env.escrow.sendWithdraw(env.client.getSender());
        expectNothingCharged(await env.settle([old]), 'the escrow is closed');
        const oldEpoch = env.epoch;
        await env.open();
        expect(await env.enterEpoch()).toBeGreaterThan(oldEpoch);
        expectNothingCharged(await env.settle([old], { epoch: oldEpoch }), 'the receipts are of another epoch');
        expectRefused(await env.settle([old]), 'Payout: no line passes');
    });

    it('leaves the value to be claimed when the escrow does not exist', async () => {
        env = await createSettlement();
        const { hub, network, client } = env;
        const missing = await Escrow.createFromConfig({
            hub: hub.address,
            network,
            client: client.address,
            index: 99,
            closeDelaySec,
        });
        const line = env.line(env.nodes[0]!, { receiptNano: 1n, scope: { escrow: missing.address.hash } });
        await env.settle([line], { escrow: missing.address, valueNano: toNano('2') });
        const refund = await hub.getCredit(env.settler.address);
        expect(refund).toBeGreaterThan(toNano('2') - atPrices(toNano('0.1')));
        expect((await hub.getState()).liabilitiesNano).toBe(refund);
        const before = await env.settler.getBalance();
        await hub.sendClaim(env.settler.getSender());
        expect((await env.settler.getBalance()) - before).toBeGreaterThan(refund - atPrices(toNano('0.02')));
        expect(await hub.getCredit(env.settler.address)).toBe(0n);
        expect((await hub.getState()).liabilitiesNano).toBe(0n);
    });
});
