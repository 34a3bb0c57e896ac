import { z } from 'zod';
import type { NodeKey } from '../../../wrappers';
import type { ActPlan } from '../act';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { isoTime } from '../iso-time';
import { openProviderOf, requireActive } from '../network-addresses';
import { describeProvider, type ProviderView } from './create-provider';

export interface ProviderWithKeys extends ProviderView {
    /** by node key in hex */
    keys: Map<string, NodeKey>;
}

export const showProvider = defineAct({
    name: 'show-provider',
    purpose: 'Shows a provider, its bond and its node keys as the chain has them',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        owner: address.optional().describe('the provider’s owner; your wallet unless given'),
    }),
    async plan(context, choice): Promise<ActPlan<ProviderWithKeys>> {
        const provider = await openProviderOf(context, choice);
        await requireActive(context, provider.address, 'provider', 'create-provider');
        return {
            title: 'Provider',
            summary: [],
            messages: [],
            readBack: async () => ({
                address: provider.address,
                ...(await provider.getState()),
                keys: await provider.getKeys(),
            }),
            describe: (view) => [...describeProvider(view), ...[...view.keys].map(describeKey)],
        };
    },
});

function describeKey([nodeKey, { notAfter, revokedAt }]: [string, NodeKey]): string {
    const revoked = revokedAt === null ? '' : `, revoked at ${isoTime(revokedAt)}`;
    return `node key ${nodeKey} until ${isoTime(notAfter)}${revoked}`;
}
