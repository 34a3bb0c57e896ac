import type { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { endpointCell, type HubListing, Registry } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, nano } from '../fields';
import { openHub } from '../network-addresses';

export interface ListedHubView extends HubListing {
    hub: Address;
}

/** Fees of the hub and the registry, and the storage of the entry; what is left joins the bond. */
const feesNano = 200_000_000n;

export const listHub = defineAct({
    name: 'list-hub',
    purpose: 'Lists your hub in the registry with its endpoint and a bond, or changes them',
    args: z.strictObject({
        hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
        endpoint: z
            .url({ protocol: /^https$/ })
            .max(127)
            .describe('https URL of the dispatcher'),
        bondNano: nano.optional().describe('bond of the listing; what governance asks for unless given'),
    }),
    async plan(context, { hub: given, endpoint, bondNano }): Promise<ActPlan<ListedHubView>> {
        const hub = await openHub(context, given);
        const state = await hub.getState();
        if (!state.operator.equals(context.sender.address)) {
            throw new OperatorError('refused', `only the hub's operator ${state.operator} can list it`);
        }
        const registry = context.open(Registry.createFromAddress(state.registry));
        const bounds = await registry.getState();
        const wantedNano = bondNano ?? bounds.minHubBondNano;
        if (wantedNano < bounds.minHubBondNano) {
            throw new OperatorError(
                'refused',
                `the registry asks for a bond of ${formatTon(bounds.minHubBondNano)} TON`,
            );
        }
        if (state.maxFeeBps > bounds.maxHubFeeBps) {
            throw new OperatorError(
                'refused',
                `the hub may raise its fee to ${state.maxFeeBps} bps, the registry lists up to ${bounds.maxHubFeeBps}`,
            );
        }
        if (state.closeDelaySec < bounds.minCloseDelaySec) {
            throw new OperatorError(
                'refused',
                `the hub's close delay is ${state.closeDelaySec} s, the registry asks for ${bounds.minCloseDelaySec}`,
            );
        }
        const before = await registry.getHub(hub.address);
        const isDone = (listing: HubListing | null): listing is HubListing =>
            listing !== null && listing.endpoint === endpoint && listing.bondNano >= wantedNano;
        const missingNano = wantedNano - (before?.bondNano ?? 0n);
        const valueNano = (missingNano > 0n ? missingNano : 0n) + feesNano;
        const message = () =>
            planMessage(
                context.sender.address,
                `list the hub; ${formatTon(valueNano)} TON less fees join its bond`,
                (via) => hub.sendAnnounce(via, { valueNano, endpoint: endpointCell(endpoint) }),
            );
        return {
            title: isDone(before) ? 'The hub is listed so already' : 'List the hub',
            summary: [`hub ${hub.address}`, `endpoint ${endpoint}`],
            messages: isDone(before) ? [] : [await message()],
            readBack: async () => {
                const listing = await registry.getHub(hub.address);
                return isDone(listing) ? { hub: hub.address, ...listing } : null;
            },
            describe: (listing) => [`listed at ${listing.endpoint}, bond ${formatTon(listing.bondNano)} TON`],
        };
    },
});
