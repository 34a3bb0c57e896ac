import '@ton/test-utils';
import { toNano } from '@ton/core';
import { buildSettlementLines, chargeRefusals, escrowErrors } from '../../../wrappers';
import { atPrices } from '../../support/fee-config';
import { testKey } from '../support/ed25519';
import { exitCodeOf, refusalReasonOf } from '../support/settlement-outcomes';
import {
    closeDelaySec,
    createSettlement,
    sessionLifeSec,
    SettlementEnvironment,
    startTime,
} from '../support/settlement-environment';
import { settleBody } from './support/hostile-cells';
import { expectSound, gains } from './support/parties';
import { startTrace } from './support/trace';

const gas = toNano('1');
const fees = () => atPrices(toNano('0.2'));

let env: SettlementEnvironment;

afterEach(() => expectSound(env));

const creditOf = (index: number) => env.hub.getCredit(env.nodes[index]!.owner.address);
const close = () => env.escrow.sendClose(env.client.getSender(), { valueNano: gas });
const withdraw = () => env.escrow.sendWithdraw(env.client.getSender(), { valueNano: gas });

async function post(receiptNano: bigint): Promise<string | null> {
    const result = await env.settle([env.line(env.nodes[0]!, { receiptNano })]);
    const reason = refusalReasonOf(result, env.settler.address);
    return reason === null ? null : (chargeRefusals.get(reason) ?? `reason ${reason}`);
}

describe('case 8: the client closes, the settler posts inside the window, at its last second, after it', () => {
    it('paid, paid, refused, and the client cannot leave before the window is over', async () => {
        env = await createSettlement({ feeBps: 0 });
        await close();
        env.at(startTime + closeDelaySec / 2);
        expect(await post(toNano('1'))).toBeNull();
        env.at(startTime + closeDelaySec);
        const early = await withdraw();
        expect(escrowErrors.get(exitCodeOf(early, env.escrow.address)!)).toBe('Escrow: close delay not over');
        expect(await post(toNano('2'))).toBeNull();
        env.at(startTime + closeDelaySec + 1);
        expect(await post(toNano('3'))).toBe('the close delay has passed');
        expect(await creditOf(0)).toBe(toNano('2'));
    });

    it('a charge that is decided in the last second is booked after it, and the client waits for it', async () => {
        env = await createSettlement({ feeBps: 0 });
        await close();
        env.at(startTime + closeDelaySec);
        const body = settleBody(env, buildSettlementLines([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]));
        env.money.minted(gas);
        const message = { from: env.settler.address, to: env.hub.address, value: gas, body };
        const trace = await startTrace(env.blockchain, message);
        await trace.step(2);
        env.at(startTime + closeDelaySec + 1);
        const hasty = await withdraw();
        expect(escrowErrors.get(exitCodeOf(hasty, env.escrow.address)!)).toBe('Escrow: a charge is in flight');
        await trace.finish();
        await withdraw();
        expect(await creditOf(0)).toBe(toNano('2'));
        expect((await env.escrow.getState()).phase).toBe('closed');
    });

    it('one that arrives a second too late, though it was sent in time, is refused: the clock at its arrival decides', async () => {
        env = await createSettlement({ feeBps: 0 });
        await close();
        env.at(startTime + closeDelaySec);
        const body = settleBody(env, buildSettlementLines([env.line(env.nodes[0]!, { receiptNano: toNano('2') })]));
        env.money.minted(gas);
        const message = { from: env.settler.address, to: env.hub.address, value: gas, body };
        const trace = await startTrace(env.blockchain, message);
        await trace.step(1);
        env.at(startTime + closeDelaySec + 1);
        await withdraw();
        await trace.finish();
        expect(await creditOf(0)).toBe(0n);
    });
});

describe('case 9: the client withdraws while receipts are outstanding; tops up while closing; closes twice', () => {
    it('receipts that nobody posted in the whole delay are lost to the node, nothing else to anyone', async () => {
        env = await createSettlement({ feeBps: 0 });
        await close();
        env.at(startTime + closeDelaySec + 1);
        const gained = await gains(env, async () => {
            await withdraw();
            expect(await post(toNano('3'))).toBe('the escrow is closed');
        });
        expect(gained.client).toBeGreaterThan(-fees());
        expect(gained).toMatchObject({ operator: 0n, providers: 0n });
    });

    it('what is paid in while closing can be charged, and comes back with the rest', async () => {
        env = await createSettlement({ feeBps: 0, depositNano: toNano('1') });
        await close();
        await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('5') });
        const gained = await gains(env, async () => {
            expect(await post(toNano('4'))).toBeNull();
            env.at(startTime + closeDelaySec + 1);
            await withdraw();
        });
        expect(gained.providers).toBe(toNano('4'));
        expect(gained.client + toNano('4')).toBeGreaterThan(-fees());
    });

    it('closing again neither shortens nor prolongs the window', async () => {
        env = await createSettlement({ feeBps: 0 });
        await close();
        env.at(startTime + closeDelaySec - 1);
        await close();
        expect((await env.escrow.getState()).closesAt).toBe(startTime + closeDelaySec);
        expect(await post(toNano('1'))).toBeNull();
    });
});

describe('case 10: the escrow balance is smaller than the receipts', () => {
    it('it pays what there is, in order; the rest stays claimable after a top-up until the close', async () => {
        env = await createSettlement({ nodes: 3, feeBps: 0, depositNano: toNano('1') });
        const { balanceNano } = await env.escrow.getState();
        const lines = env.nodes.map((node) => env.line(node, { receiptNano: toNano('0.8') }));
        const poor = await gains(env, () => env.settle(lines));
        expect(poor.client).toBe(-balanceNano);
        const second = balanceNano - toNano('0.8');
        expect([await creditOf(0), await creditOf(1), await creditOf(2)]).toEqual([toNano('0.8'), second, 0n]);
        await env.escrow.sendTopUp(env.settler.getSender(), { valueNano: toNano('9') });
        await close();
        env.at(startTime + closeDelaySec);
        const rich = await gains(env, () => env.settle(lines));
        expect(rich.providers).toBe(toNano('2.4') - balanceNano);
        expect([await creditOf(1), await creditOf(2)]).toEqual([toNano('0.8'), toNano('0.8')]);
    });
});

describe('case 23: the client changes or lets expire its session key, or closes, right after a long answer', () => {
    it.each<[string, () => Promise<unknown>, number]>([
        ['changes it', () => setSession('next', sessionLifeSec), startTime],
        [
            'changes it twice',
            async () => {
                await setSession('next', sessionLifeSec);
                await setSession('after next', sessionLifeSec);
            },
            startTime,
        ],
        ['cuts its life short', () => setSession('session', 1), startTime + 1],
        ['lets it expire', async () => undefined, startTime + sessionLifeSec],
        ['closes', close, startTime],
    ])('who %s: receipts under the old key are paid until the close delay has passed', async (_, act, since) => {
        env = await createSettlement({ feeBps: 0 });
        await act();
        env.at(since + closeDelaySec);
        expect(await post(toNano('2'))).toBeNull();
        expect(await creditOf(0)).toBe(toNano('2'));
        env.at(since + closeDelaySec + 1);
        expect(await post(toNano('3'))).not.toBeNull();
        expect(await creditOf(0)).toBe(toNano('2'));
    });

    async function setSession(name: string, lifeSec: number): Promise<void> {
        const session = { sessionKey: testKey(name).publicKey, sessionExpiresAt: startTime + lifeSec };
        await env.escrow.sendSetSession(env.client.getSender(), { ...session, valueNano: gas });
    }
});
