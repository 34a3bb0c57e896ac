import type { Address } from '@ton/core';
import { z } from 'zod';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { address, bytes } from '../fields';
import { isoTime } from '../iso-time';
import { openProviderOf, requireActive } from '../network-addresses';

export interface BundleAuthorization {
    provider: Address;
    bundleHash: Buffer;
    /** unix seconds */
    lapsesAt: number;
}

export const authorizeBundle = defineAct({
    name: 'authorize-bundle',
    purpose: 'Lets one key bundle be recorded under your provider without the operator key’s signature',
    args: z.strictObject({
        bundleHash: bytes(32).describe('SHA-256 of the key bundle, hex'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { bundleHash, registry }): Promise<ActPlan<BundleAuthorization>> {
        const provider = await openProviderOf(context, { registry });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const nowSec = await context.nowSec();
        const lapsesAt = async () => {
            const at = (await provider.getAuthorizations()).get(bundleHash.toString('hex'));
            return at !== undefined && at >= nowSec ? at : null;
        };
        const isDone = (await lapsesAt()) !== null;
        const message = () =>
            planMessage(context.sender.address, 'authorize the bundle for seven days', (via) =>
                provider.sendAuthorizeBundle(via, { bundleHash }),
            );
        return {
            title: isDone ? 'The bundle is authorized already' : 'Authorize a key bundle',
            summary: [`provider ${provider.address}`, `bundle ${bundleHash.toString('hex')}`],
            messages: isDone ? [] : [await message()],
            readBack: async () => {
                const at = await lapsesAt();
                return at === null ? null : { provider: provider.address, bundleHash, lapsesAt: at };
            },
            describe: (result) => [`authorized until ${isoTime(result.lapsesAt)}, once`],
        };
    },
});
