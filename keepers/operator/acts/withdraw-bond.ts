import { z } from 'zod';
import { formatTon } from '../../base';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address } from '../fields';
import { isoTime } from '../iso-time';
import { openProviderOf, requireActive } from '../network-addresses';
import { describeProvider, type ProviderView } from './create-provider';

export interface BondWithdrawal extends ProviderView {
    /** 0 when nothing was unbonding */
    withdrawnNano: bigint;
}

export const withdrawBond = defineAct({
    name: 'withdraw-bond',
    purpose: 'Withdraws what you unbonded, once the unbonding delay has passed',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { registry }): Promise<ActPlan<BondWithdrawal>> {
        const provider = await openProviderOf(context, { registry });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const { unbondingNano: withdrawnNano, withdrawableAt } = await provider.getState();
        if (withdrawableAt !== null && (await context.nowSec()) < withdrawableAt) {
            const message = `the bond can be withdrawn from ${isoTime(withdrawableAt)}`;
            throw new OperatorError('not_ready', message, { action: 'retry' });
        }
        const what = `withdraw ${formatTon(withdrawnNano)} TON; the value comes back with it`;
        const message = () => planMessage(context.sender.address, what, (via) => provider.sendWithdrawBond(via));
        return {
            title: withdrawnNano > 0n ? 'Withdraw the bond' : 'Nothing is unbonding',
            summary: [`provider ${provider.address}`],
            messages: withdrawnNano > 0n ? [await message()] : [],
            readBack: async () => {
                const state = await provider.getState();
                return state.unbondingNano === 0n ? { address: provider.address, ...state, withdrawnNano } : null;
            },
            describe: (view) => [`withdrew ${formatTon(view.withdrawnNano)} TON`, ...describeProvider(view)],
        };
    },
});
