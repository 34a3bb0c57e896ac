import '@ton/test-utils';
import { Cell, toNano } from '@ton/core';
import { buildSettlementLines } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { closeDelaySec, createSettlement, SettlementEnvironment } from '../support/settlement-environment';
import { ballast, followedBy, settleBody } from './support/hostile-cells';
import { balanceOf, expectSound } from './support/parties';
import { raisePrices } from './support/prices';
import { startTrace } from './support/trace';

let env: SettlementEnvironment;

beforeEach(async () => {
    env = await createSettlement({ feeBps: 0 });
});

afterEach(() => expectSound(env));

const oneLine = (receiptNano: bigint): Cell => buildSettlementLines([env.line(env.nodes[0]!, { receiptNano })]);

/** The client leaves, whatever happened before, with its whole uncharged balance. */
async function expectClientLeaves(): Promise<void> {
    await env.escrow.sendClose(env.client.getSender(), { valueNano: toNano('9') });
    env.at(env.blockchain.now! + closeDelaySec + 1);
    const { balanceNano } = await env.escrow.getState();
    const before = await env.client.getBalance();
    await env.escrow.sendWithdraw(env.client.getSender(), { valueNano: toNano('9') });
    expect(await env.escrow.getState()).toMatchObject({ phase: 'closed', balanceNano: 0n });
    expect((await env.client.getBalance()) - before).toBeGreaterThan(balanceNano - atPrices(toNano('1')));
}

describe('a settler who pads a batch, so that forwarding it eats the value of the later steps', () => {
    it('locks no escrow and costs the hub nothing', async () => {
        // Where exactly the value runs out depends on prices: every size from harmless to absurd.
        for (const cells of [20, 50, 55, 60, 65, 70, 75, 80, 85, 90, 120]) {
            const before = { escrow: await balanceOf(env, env.escrow), hub: await balanceOf(env, env.hub) };
            const { liabilitiesNano } = await env.hub.getState();
            const body = settleBody(env, followedBy(oneLine(BigInt(cells)), ballast(cells)));
            await env.settler.send({ to: env.hub.address, value: await env.hub.getSettleFee(2), body });
            expect((await env.escrow.getState()).inFlight).toBeNull();
            const booked = (await env.hub.getState()).liabilitiesNano - liabilitiesNano;
            expect(before.escrow - (await balanceOf(env, env.escrow))).toBeLessThanOrEqual(booked);
            expect((await balanceOf(env, env.hub)) - before.hub).toBeGreaterThanOrEqual(booked);
        }
        await expectClientLeaves();
    });
});

describe('prices that rise six-fold while a settlement is on its way', () => {
    async function settleWithRiseAfter(transactions: number): Promise<void> {
        const value = await env.hub.getSettleFee(1);
        const escrowBefore = await balanceOf(env, env.escrow);
        const message = { from: env.settler.address, to: env.hub.address, value, body: settleBody(env, oneLine(10n)) };
        env.money.minted(value);
        const trace = await startTrace(env.blockchain, message);
        await trace.step(transactions);
        raisePrices(env.blockchain, 6n);
        await trace.finish();
        expect((await env.escrow.getState()).inFlight).toBeNull();
        const { liabilitiesNano } = await env.hub.getState();
        expect(escrowBefore - (await balanceOf(env, env.escrow))).toBeLessThanOrEqual(liabilitiesNano);
        await expectClientLeaves();
    }

    it('after Settle leave the escrow free and the books even', () => settleWithRiseAfter(1));

    it('after Charge leave the escrow free and the books even', () => settleWithRiseAfter(2));

    it('after Charged leave the escrow free and the books even', () => settleWithRiseAfter(3));

    it('after the acknowledgement leave the escrow free and the books even', () => settleWithRiseAfter(4));
});
