import { z } from 'zod';
import { formatTon } from '../../base';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address } from '../fields';
import { openHub } from '../network-addresses';
import { describeHub, type HubView } from './deploy-hub';

export interface FeeWithdrawal extends HubView {
    /** fees that the withdrawal found; 0 when there were none */
    withdrawnNano: bigint;
}

export const withdrawFees = defineAct({
    name: 'withdraw-fees',
    purpose: 'Withdraws the accrued fees of your hub',
    args: z.strictObject({
        hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
    }),
    async plan(context, { hub: given }): Promise<ActPlan<FeeWithdrawal>> {
        const hub = await openHub(context, given);
        const { operator, accruedFeesNano: withdrawnNano } = await hub.getState();
        if (!operator.equals(context.sender.address)) {
            throw new OperatorError('refused', `only the hub's operator ${operator} may withdraw its fees`);
        }
        const what = `withdraw ${formatTon(withdrawnNano)} TON; the value comes back with it`;
        const message = () => planMessage(operator, what, (via) => hub.sendWithdrawFees(via));
        return {
            title: withdrawnNano > 0n ? 'Withdraw fees' : 'No fees to withdraw',
            summary: [`hub ${hub.address}`],
            messages: withdrawnNano > 0n ? [await message()] : [],
            readBack: async () => {
                const state = await hub.getState();
                const isDone = withdrawnNano === 0n || state.accruedFeesNano < withdrawnNano;
                return isDone ? { address: hub.address, ...state, withdrawnNano } : null;
            },
            describe: (view) => [`withdrew ${formatTon(view.withdrawnNano)} TON`, ...describeHub(view)],
        };
    },
});
