import { z } from 'zod';
import { formatTon } from '../../base';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { address, positiveNano } from '../fields';
import { openProviderOf, requireActive } from '../network-addresses';
import { describeProvider, type ProviderView } from './create-provider';

/** Fees, and what the storage reserve may lack by now; what is over joins the bond. */
const allowanceNano = 50_000_000n;

export const bond = defineAct({
    name: 'bond',
    purpose: 'Raises a provider’s bond to an amount, sending only what is missing',
    args: z.strictObject({
        bondNano: positiveNano.describe('the bond afterwards, at least'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        owner: address.optional().describe('the provider’s owner; your wallet unless given'),
    }),
    async plan(context, { bondNano, registry, owner }): Promise<ActPlan<ProviderView>> {
        const provider = await openProviderOf(context, { registry, owner });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const missing = bondNano - (await provider.getState()).bondNano;
        const message = () =>
            planMessage(context.sender.address, `add ${formatTon(missing)} TON to the bond`, (via) =>
                provider.sendBond(via, { valueNano: missing + allowanceNano }),
            );
        return {
            title: missing > 0n ? 'Raise the bond' : 'The bond is there already',
            summary: [`provider ${provider.address}`, `bond at least ${formatTon(bondNano)} TON`],
            messages: missing > 0n ? [await message()] : [],
            readBack: async () => {
                const state = await provider.getState();
                return state.bondNano >= bondNano ? { address: provider.address, ...state } : null;
            },
            describe: describeProvider,
        };
    },
});
