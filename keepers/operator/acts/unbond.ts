import { z } from 'zod';
import { formatTon } from '../../base';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, nano } from '../fields';
import { openProviderOf, requireActive } from '../network-addresses';
import { describeProvider, type ProviderView } from './create-provider';

export const unbond = defineAct({
    name: 'unbond',
    purpose: 'Lowers your bond to an amount; the rest can be withdrawn seven days later',
    args: z.strictObject({
        bondNano: nano.describe('the bond that stays; 0 for all of it out'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { bondNano, registry }): Promise<ActPlan<ProviderView>> {
        const provider = await openProviderOf(context, { registry });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const before = await provider.getState();
        const required = await provider.getRequiredBond();
        const amountNano = before.bondNano - bondNano;
        if (amountNano > 0n && bondNano < required) {
            const message = `the live node keys need a bond of ${formatTon(required)} TON: revoke keys or let them expire first`;
            throw new OperatorError('not_ready', message);
        }
        const message = () =>
            planMessage(context.sender.address, `start unbonding ${formatTon(amountNano)} TON`, (via) =>
                provider.sendUnbond(via, { amountNano }),
            );
        const restarts = before.unbondingNano > 0n && amountNano > 0n;
        return {
            title: amountNano > 0n ? 'Unbond' : 'The bond is as low already',
            summary: [
                `provider ${provider.address}`,
                ...(restarts ? [`the ${formatTon(before.unbondingNano)} TON on their way out wait anew`] : []),
            ],
            messages: amountNano > 0n ? [await message()] : [],
            readBack: async () => {
                const state = await provider.getState();
                const isDone = amountNano <= 0n || state.unbondingNano >= before.unbondingNano + amountNano;
                return isDone ? { address: provider.address, ...state } : null;
            },
            describe: describeProvider,
        };
    },
});
