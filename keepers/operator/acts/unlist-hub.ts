import type { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { Registry } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address } from '../fields';
import { openHub } from '../network-addresses';

export interface UnlistedHub {
    hub: Address;
    /** came back to the operator; 0 when the hub was not listed */
    returnedNano: bigint;
}

export const unlistHub = defineAct({
    name: 'unlist-hub',
    purpose: 'Takes your hub off the registry’s list; its bond comes back to you',
    args: z.strictObject({
        hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
    }),
    async plan(context, { hub: given }): Promise<ActPlan<UnlistedHub>> {
        const hub = await openHub(context, given);
        const state = await hub.getState();
        if (!state.operator.equals(context.sender.address)) {
            throw new OperatorError('refused', `only the hub's operator ${state.operator} can take it off the list`);
        }
        const registry = context.open(Registry.createFromAddress(state.registry));
        const listing = await registry.getHub(hub.address);
        const returnedNano = listing?.bondNano ?? 0n;
        const what = `take the hub off the list; ${formatTon(returnedNano)} TON come back`;
        const message = () => planMessage(context.sender.address, what, (via) => hub.sendWithdrawListing(via));
        return {
            title: listing === null ? 'The hub is not listed' : 'Take the hub off the list',
            summary: [`hub ${hub.address}`],
            messages: listing === null ? [] : [await message()],
            readBack: async () =>
                (await registry.getHub(hub.address)) === null ? { hub: hub.address, returnedNano } : null,
            describe: (result) => [`not listed; ${formatTon(result.returnedNano)} TON came back`],
        };
    },
});
