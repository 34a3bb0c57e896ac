import '@ton/test-utils';
import { Address, beginCell, Cell, toNano } from '@ton/core';
import { internal, SendMessageResult } from '@ton/sandbox';
import {
    Escrow as EscrowBinding,
    loadEscrowToppedUp,
    loadEscrowWithdrawn,
    storeAcknowledgeCharge,
    storeCharge,
    storeCharged,
} from '../../build/Escrow/Escrow_Escrow';
import { buildSettlementLines, chargeRefusals, Escrow, escrowErrors } from '../../wrappers';
import { testKey } from './support/ed25519';
import { stepMessage, whileRefusing } from './support/stepping';
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

beforeEach(async () => {
    env = await createSettlement({ feeBps: 0 });
});

afterEach(() => {
    expect(env.money.leak()).toBe(0n);
});

function expectRefused(result: SendMessageResult, text: string): void {
    expect(escrowErrors.get(exitCodeOf(result, env.escrow.address) ?? 0)).toBe(text);
}

/** A message as if it came from `from`, the hub unless given. */
async function inject(body: Cell, options: { valueNano?: bigint; from?: Address; bounced?: boolean } = {}) {
    const value = options.valueNano ?? toNano('1');
    env.money.minted(value);
    const from = options.from ?? env.hub.address;
    const message = internal({
        from,
        to: env.escrow.address,
        value,
        body,
        bounce: true,
        bounced: options.bounced ?? false,
    });
    return env.blockchain.sendMessage(message);
}

function chargeBody(receiptNano: bigint): Cell {
    const lines = buildSettlementLines([env.line(env.nodes[0]!, { receiptNano })]);
    const context = beginCell().storeUint(1, 32).endCell();
    const settler = env.settler.address;
    const message = { queryId: 77n, epoch: BigInt(env.epoch), lineMask: 1n, settler, lines, context };
    return beginCell()
        .store(storeCharge({ $$type: 'Charge', ...message }))
        .endCell();
}

/** A charge whose answer is still on its way: the message reached the escrow and nothing after it ran yet. */
async function chargeInFlight(receiptNano: bigint) {
    const value = toNano('1');
    env.money.minted(value);
    const body = chargeBody(receiptNano);
    return stepMessage(env.blockchain, { from: env.hub.address, to: env.escrow.address, value, body });
}

describe('opening', () => {
    it('starts an epoch at the present time, with the value less fees and reserve as deposit', async () => {
        const state = await env.escrow.getState();
        expect(state).toMatchObject({
            phase: 'open',
            epoch: startTime,
            closesAt: null,
            inFlight: null,
            retiredKeys: [],
        });
        expect(state.sessionKey).toEqual(env.session.publicKey);
        expect(state.balanceNano).toBeGreaterThanOrEqual(toNano('10'));
    });

    it('takes off exactly the fee it announces', async () => {
        await closeAndWithdraw();
        const fee = await env.escrow.getOpenFee();
        await env.open(fee + 1n);
        expect((await env.escrow.getState()).balanceNano).toBe(1n);
    });

    it('is refused when the value only covers the fees', async () => {
        await closeAndWithdraw();
        const fee = await env.escrow.getOpenFee();
        expectRefused(await env.open(fee), 'Escrow: value below fees and storage reserve');
    });

    it('is refused to anyone but the client', async () => {
        await closeAndWithdraw();
        const options = { sessionKey: Buffer.alloc(32), sessionExpiresAt: startTime * 2, valueNano: toNano('1') };
        expectRefused(await env.escrow.sendOpen(env.settler.getSender(), options), 'Escrow: sender is not the client');
    });

    it('is refused while it is open', async () => {
        expectRefused(await env.open(), 'Escrow: already open');
    });

    it.each([
        [0, true],
        [1, false],
    ])('with a session key that expires %i s from now is refused: %s', async (seconds, refused) => {
        await closeAndWithdraw();
        const sessionExpiresAt = env.blockchain.now! + seconds;
        const options = { sessionKey: Buffer.alloc(32, 1), sessionExpiresAt, valueNano: toNano('1') };
        const result = await env.escrow.sendOpen(env.client.getSender(), options);
        if (refused) expectRefused(result, 'Escrow: session key expired');
        expect((await env.escrow.getState()).phase).toBe(refused ? 'closed' : 'open');
    });

    it.each([
        [59, 'Escrow: close delay too short'],
        [60, null],
        [30 * 86_400, null],
        [30 * 86_400 + 1, 'Escrow: close delay too long'],
    ])('at a hub that lets its clients go after %i s is answered: %s', async (seconds, refusal) => {
        const terms = { hub: env.hub.address, network: env.network, client: env.client.address, index: 1 };
        const escrow = env.blockchain.openContract(await Escrow.createFromConfig({ ...terms, closeDelaySec: seconds }));
        const session = { sessionKey: env.session.publicKey, sessionExpiresAt: startTime + sessionLifeSec };
        const result = await escrow.sendOpen(env.client.getSender(), { ...session, valueNano: toNano('1') });
        expect(escrowErrors.get(exitCodeOf(result, escrow.address) ?? 0) ?? null).toBe(refusal);
    });

    it('again starts a later epoch', async () => {
        const first = env.epoch;
        await closeAndWithdraw();
        await env.open();
        expect(await env.enterEpoch()).toBe(first + closeDelaySec + 1);
    });
});

describe('topping up', () => {
    it('adds the value less the announced fee, from anyone', async () => {
        const before = (await env.escrow.getState()).balanceNano;
        const fee = await env.escrow.getTopUpFee();
        const result = await env.escrow.sendTopUp(env.settler.getSender(), { valueNano: toNano('2') });
        const after = (await env.escrow.getState()).balanceNano;
        expect(after).toBe(before + toNano('2') - fee);
        const event = loadEscrowToppedUp(result.externals[0]!.body.beginParse());
        expect(event).toMatchObject({ amount: toNano('2') - fee, balance: after });
    });

    it('works while closing', async () => {
        await env.escrow.sendClose(env.client.getSender());
        const before = (await env.escrow.getState()).balanceNano;
        await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('2') });
        expect((await env.escrow.getState()).balanceNano).toBeGreaterThan(before);
    });

    it('is refused when closed', async () => {
        await closeAndWithdraw();
        const result = await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('2') });
        expectRefused(result, 'Escrow: closed');
    });

    it('is refused when nothing would be left, and takes a single nanoTON more', async () => {
        const fee = await env.escrow.getTopUpFee();
        const before = (await env.escrow.getState()).balanceNano;
        const result = await env.escrow.sendTopUp(env.client.getSender(), { valueNano: fee });
        expectRefused(result, 'Escrow: value below fees');
        await env.escrow.sendTopUp(env.client.getSender(), { valueNano: fee + 1n });
        expect((await env.escrow.getState()).balanceNano).toBe(before + 1n);
    });
});

describe('session keys', () => {
    const keys = ['a', 'b', 'c'].map((name) => testKey(`session ${name}`));

    async function setSession(key: { publicKey: Buffer }, expiresAt = env.blockchain.now! + sessionLifeSec) {
        const options = { sessionKey: key.publicKey, sessionExpiresAt: expiresAt };
        return env.escrow.sendSetSession(env.client.getSender(), options);
    }

    it('replaced stay listed until the close delay has passed', async () => {
        await setSession(keys[0]!);
        const { sessionKey, retiredKeys } = await env.escrow.getState();
        expect(sessionKey).toEqual(keys[0]!.publicKey);
        expect(retiredKeys).toEqual([{ key: env.session.publicKey, validUntil: startTime + closeDelaySec }]);
    });

    it('may be replaced twice within the delay, not three times, and again right after it', async () => {
        await setSession(keys[0]!);
        await setSession(keys[1]!);
        expectRefused(await setSession(keys[2]!), 'Escrow: two replaced session keys are still valid');
        env.at(startTime + closeDelaySec);
        expectRefused(await setSession(keys[2]!), 'Escrow: two replaced session keys are still valid');
        env.at(startTime + closeDelaySec + 1);
        await setSession(keys[2]!);
        expect((await env.escrow.getState()).sessionKey).toEqual(keys[2]!.publicKey);
    });

    it('may be prolonged without using up a place', async () => {
        await setSession(env.session, startTime + 2 * sessionLifeSec);
        expect(await env.escrow.getState()).toMatchObject({
            sessionExpiresAt: startTime + 2 * sessionLifeSec,
            retiredKeys: [],
        });
    });

    it('that are shortened leave nodes the close delay all the same', async () => {
        await setSession(env.session, startTime + 1);
        env.at(startTime + closeDelaySec);
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        expect(await env.escrow.getPaid(env.nodes[0]!.key.publicKey)).toBe(toNano('1'));
    });

    it('that have expired when replaced do not live longer for it', async () => {
        env.at(startTime + sessionLifeSec + 60);
        await setSession(keys[0]!);
        const [retired] = (await env.escrow.getState()).retiredKeys;
        expect(retired!.validUntil).toBe(startTime + sessionLifeSec + closeDelaySec);
    });

    it('are set by the client alone', async () => {
        const options = { sessionKey: Buffer.alloc(32), sessionExpiresAt: startTime * 2 };
        const result = await env.escrow.sendSetSession(env.settler.getSender(), options);
        expectRefused(result, 'Escrow: sender is not the client');
    });

    it('cannot be set while closing', async () => {
        await env.escrow.sendClose(env.client.getSender());
        expectRefused(await setSession(keys[0]!), 'Escrow: not open');
    });

    it('cannot be set when they have expired already', async () => {
        expectRefused(await setSession(keys[0]!, startTime), 'Escrow: session key expired');
        await setSession(keys[0]!, startTime + 1);
        expect((await env.escrow.getState()).sessionKey).toEqual(keys[0]!.publicKey);
    });
});

describe('leaving', () => {
    it('gives the client its whole uncharged balance with every off-chain process gone', async () => {
        await env.escrow.sendClose(env.client.getSender());
        env.at(startTime + closeDelaySec + 1);
        const { balanceNano, storageReserveNano } = await env.escrow.getState();
        const before = await env.client.getBalance();
        const result = await env.escrow.sendWithdraw(env.client.getSender());
        expect((await env.client.getBalance()) - before).toBeGreaterThan(balanceNano - atPrices(toNano('0.01')));
        const account = await env.blockchain.getContract(env.escrow.address);
        expect(account.balance).toBe(storageReserveNano);
        expect(await env.escrow.getState()).toMatchObject({ phase: 'closed', balanceNano: 0n, epoch: startTime });
        const event = loadEscrowWithdrawn(result.externals[0]!.body.beginParse());
        expect(event.amount).toBeGreaterThanOrEqual(balanceNano);
    });

    it('does not move its end when it is announced twice', async () => {
        await env.escrow.sendClose(env.client.getSender());
        env.at(startTime + 500);
        await env.escrow.sendClose(env.client.getSender());
        expect((await env.escrow.getState()).closesAt).toBe(startTime + closeDelaySec);
    });

    it('is refused in the last second of the close delay and granted in the next', async () => {
        await env.escrow.sendClose(env.client.getSender());
        env.at(startTime + closeDelaySec);
        expectRefused(await env.escrow.sendWithdraw(env.client.getSender()), 'Escrow: close delay not over');
        env.at(startTime + closeDelaySec + 1);
        await env.escrow.sendWithdraw(env.client.getSender());
        expect((await env.escrow.getState()).phase).toBe('closed');
    });

    it('needs a close first', async () => {
        expectRefused(await env.escrow.sendWithdraw(env.client.getSender()), 'Escrow: not closing');
    });

    it("is the client's alone", async () => {
        expectRefused(await env.escrow.sendClose(env.settler.getSender()), 'Escrow: sender is not the client');
        await env.escrow.sendClose(env.client.getSender());
        env.at(startTime + closeDelaySec + 1);
        expectRefused(await env.escrow.sendWithdraw(env.settler.getSender()), 'Escrow: sender is not the client');
    });

    it('of a closed escrow is refused', async () => {
        await closeAndWithdraw();
        expectRefused(await env.escrow.sendClose(env.client.getSender()), 'Escrow: closed');
        expectRefused(await env.escrow.sendWithdraw(env.client.getSender()), 'Escrow: not closing');
    });

    it('waits for a charge in flight', async () => {
        await env.escrow.sendClose(env.client.getSender());
        const trace = await chargeInFlight(toNano('1'));
        env.at(startTime + closeDelaySec + 1);
        expectRefused(await env.escrow.sendWithdraw(env.client.getSender()), 'Escrow: a charge is in flight');
        await trace.finish();
        await env.escrow.sendWithdraw(env.client.getSender());
        expect((await env.escrow.getState()).phase).toBe('closed');
    });
});

describe('a charge', () => {
    it('is taken from the hub alone', async () => {
        expectRefused(await inject(chargeBody(1n), { from: env.settler.address }), 'Escrow: sender is not the hub');
    });

    it('is acknowledged by the hub alone', async () => {
        const body = beginCell().store(storeAcknowledgeCharge({ $$type: 'AcknowledgeCharge', queryId: 77n }));
        const result = await inject(body.endCell(), { from: env.settler.address });
        expectRefused(result, 'Escrow: sender is not the hub');
    });

    it('holds off a second one until it is acknowledged', async () => {
        const trace = await chargeInFlight(toNano('1'));
        expect((await env.escrow.getState()).inFlight).toEqual({ queryId: 77n, amountNano: toNano('1') });
        const second = await inject(chargeBody(toNano('2')));
        expect(chargeRefusals.get(refusalReasonOf(second, env.settler.address)!)).toBe('another charge is in flight');
        await trace.finish();
        expect((await env.escrow.getState()).inFlight).toBeNull();
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]);
        expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(toNano('2'));
    });

    it('that the hub rejects is undone to the nanoTON, and can be made again', async () => {
        const before = await env.escrow.getState();
        const settlerBefore = await env.settler.getBalance();
        const trace = await chargeInFlight(toNano('1'));
        expect(await env.escrow.getPaid(env.nodes[0]!.key.publicKey)).toBe(toNano('1'));
        await whileRefusing(env.blockchain, env.hub.address, () => trace.finish());
        const after = await env.escrow.getState();
        expect(after.balanceNano).toBe(before.balanceNano);
        expect(after.inFlight).toBeNull();
        expect(await env.escrow.getPaid(env.nodes[0]!.key.publicKey)).toBe(0n);
        expect((await env.settler.getBalance()) - settlerBefore).toBeGreaterThan(toNano('0.9'));
        await env.settle([env.line(env.nodes[0]!, { receiptNano: toNano('1') })]);
        expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(toNano('1'));
    });

    it('that comes back after the client has left without waiting for it is the client’s', async () => {
        await env.escrow.sendClose(env.client.getSender());
        const trace = await chargeInFlight(toNano('1'));
        env.at(startTime + 2 * closeDelaySec);
        expectRefused(await env.escrow.sendWithdraw(env.client.getSender()), 'Escrow: a charge is in flight');
        env.at(startTime + 2 * closeDelaySec + 1);
        await env.escrow.sendWithdraw(env.client.getSender());
        expect((await env.escrow.getState()).phase).toBe('closed');
        const before = await env.client.getBalance();
        await whileRefusing(env.blockchain, env.hub.address, () => trace.finish());
        expect((await env.client.getBalance()) - before).toBeGreaterThan(toNano('1.9'));
        expect((await env.escrow.getState()).balanceNano).toBe(0n);
    });

    it('is not undone by the bounce of another one', async () => {
        const trace = await chargeInFlight(toNano('1'));
        const body = beginCell()
            .storeUint(0xffffffff, 32)
            .storeUint(EscrowBinding.opcodes.Charged, 32)
            .storeUint(78, 64);
        await inject(body.endCell(), { bounced: true });
        expect((await env.escrow.getState()).inFlight).toEqual({ queryId: 77n, amountNano: toNano('1') });
        await trace.finish();
    });

    it('is not undone by a bounced message that is no Charged', async () => {
        const trace = await chargeInFlight(toNano('1'));
        const body = beginCell().storeUint(0xffffffff, 32).storeUint(0xd53276db, 32).storeUint(77, 64).endCell();
        await inject(body, { from: env.settler.address, bounced: true });
        expect((await env.escrow.getState()).inFlight).not.toBeNull();
        await trace.finish();
    });

    it('is booked by nobody who pretends to be an escrow', async () => {
        const charged = storeCharged({
            $$type: 'Charged',
            queryId: 1n,
            client: env.client.address,
            index: 5n,
            total: toNano('1'),
            amounts: beginCell().storeUint(toNano('1'), 64).endCell(),
            context: beginCell().storeUint(1, 32).endCell(),
        });
        await env.settler.send({ to: env.hub.address, value: toNano('2'), body: beginCell().store(charged).endCell() });
        expect(await env.hub.getCredit(env.nodes[0]!.owner.address)).toBe(0n);
    });
});

describe('an escrow left alone for fifty years', () => {
    it('charges and returns what storage has left', async () => {
        env.at(startTime + 50 * 31_557_600);
        await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('0.1') });
        const state = await env.escrow.getState();
        const account = await env.blockchain.getContract(env.escrow.address);
        expect(state.balanceNano).toBeLessThanOrEqual(account.balance);
        await env.escrow.sendClose(env.client.getSender());
        env.at(env.blockchain.now! + closeDelaySec + 1);
        const before = await env.client.getBalance();
        await env.escrow.sendWithdraw(env.client.getSender());
        expect((await env.client.getBalance()) - before).toBeGreaterThan(state.balanceNano - atPrices(toNano('0.01')));
    });
});

async function closeAndWithdraw(): Promise<void> {
    await env.escrow.sendClose(env.client.getSender());
    env.at(env.blockchain.now! + closeDelaySec + 1);
    await env.escrow.sendWithdraw(env.client.getSender());
}
