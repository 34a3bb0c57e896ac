import type { Address } from '@ton/core';
import { z } from 'zod';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address } from '../fields';
import { openRegistry } from '../network-addresses';

export interface PrunedHub {
    hub: Address;
}

export const pruneHub = defineAct({
    name: 'prune-hub',
    purpose: 'Takes a hub of revoked or retired code off the registry’s list; its bond goes back to it',
    args: z.strictObject({
        hub: address.describe('the listed settlement hub'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { hub, registry: given }): Promise<ActPlan<PrunedHub>> {
        const registry = await openRegistry(context, given);
        const listing = await registry.getHub(hub);
        const code = listing && (await registry.getHubCodes()).get(listing.codeHash.toString('hex'));
        if (code && (code.retiresAt === null || code.retiresAt > (await context.nowSec()))) {
            throw new OperatorError('refused', `hub ${hub} has a code that is still allowed`);
        }
        const what = 'take the hub off the list; the rest comes back';
        const message = () => planMessage(context.sender.address, what, (via) => registry.sendPruneHub(via, { hub }));
        return {
            title: listing === null ? 'The hub is not listed' : 'Take a hub of disallowed code off the list',
            summary: [`hub ${hub}`],
            messages: listing === null ? [] : [await message()],
            readBack: async () => ((await registry.getHub(hub)) === null ? { hub } : null),
            describe: () => ['not listed; its bond is on its way to the hub'],
        };
    },
});
