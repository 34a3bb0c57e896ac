import { z } from 'zod';
import { formatTon } from '../../base';
import type { EscrowState } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { isoTime } from '../iso-time';
import { openEscrowOf, requireActive } from '../network-addresses';
import { describeEscrow, escrowChoice, type EscrowView } from './show-escrow';

export interface Withdrawal extends EscrowView {
    /** 0 when it was withdrawn before */
    withdrawnNano: bigint;
}

export const withdraw = defineAct({
    name: 'withdraw',
    purpose: 'Withdraws everything uncharged from your escrow once its close delay has passed',
    args: z.strictObject(escrowChoice),
    async plan(context, choice): Promise<ActPlan<Withdrawal>> {
        const escrow = await openEscrowOf(context, choice);
        await requireActive(context, escrow.address, 'escrow', 'open-escrow');
        const before = await escrow.getState();
        const isDone = before.phase === 'closed';
        if (!isDone) requireWithdrawable(before, await context.nowSec());
        const withdrawnNano = isDone ? 0n : before.balanceNano;
        const what = `withdraw ${formatTon(withdrawnNano)} TON`;
        const message = () => planMessage(context.sender.address, what, (via) => escrow.sendWithdraw(via));
        return {
            title: isDone ? 'Nothing is left to withdraw' : 'Withdraw from the escrow',
            summary: [`escrow ${escrow.address}`],
            messages: isDone ? [] : [await message()],
            readBack: async () => {
                const state = await escrow.getState();
                return state.phase === 'closed' ? { address: escrow.address, ...state, withdrawnNano } : null;
            },
            describe: (result) => [`withdrew ${formatTon(result.withdrawnNano)} TON`, ...describeEscrow(result)],
        };
    },
});

function requireWithdrawable(state: EscrowState, nowSec: number): void {
    if (state.phase === 'open') throw new OperatorError('not_ready', 'the escrow is open: run close-escrow first');
    if (nowSec <= state.closesAt!) {
        const message = `the close delay ends at ${isoTime(state.closesAt!)}, in ${state.closesAt! - nowSec + 1} s`;
        throw new OperatorError('not_ready', message, { action: 'retry' });
    }
    if (state.inFlight !== null) {
        throw new OperatorError('not_ready', 'a charge waits for the hub: try again shortly', { action: 'retry' });
    }
}
