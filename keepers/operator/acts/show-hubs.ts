import { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { type HubCode, type HubListing, Payout, type PayoutState } from '../../../wrappers';
import { ifActive } from '../account';
import type { ActPlan } from '../act';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { isoTime } from '../iso-time';
import { openRegistry } from '../network-addresses';
import { describeHub } from './deploy-hub';

export interface ListedHub extends HubListing {
    address: Address;
    /** null: nothing lives there any more */
    state: PayoutState | null;
}

export interface HubList {
    hubs: ListedHub[];
    /** by hash in hex */
    codes: Map<string, HubCode>;
}

export const showHubs = defineAct({
    name: 'show-hubs',
    purpose: 'Shows the hubs that the registry lists, with endpoint, bond and terms, and the codes that hubs may have',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { registry: given }): Promise<ActPlan<HubList>> {
        const registry = await openRegistry(context, given);
        const withState = async ([raw, listing]: [string, HubListing]): Promise<ListedHub> => {
            const hub = context.open(Payout.createFromAddress(Address.parseRaw(raw)));
            return {
                ...listing,
                address: hub.address,
                state: await ifActive(context, hub.address, () => hub.getState()),
            };
        };
        return {
            title: 'Hubs',
            summary: [],
            messages: [],
            readBack: async () => {
                const hubs: ListedHub[] = [];
                for (const listed of await registry.getHubs()) hubs.push(await withState(listed));
                return { hubs, codes: await registry.getHubCodes() };
            },
            describe: ({ hubs, codes }) => [
                ...(hubs.length === 0 ? ['no hub is listed'] : hubs.flatMap(describeListed)),
                ...[...codes].map(describeCode),
            ],
        };
    },
});

function describeListed({ address: hub, endpoint, bondNano, state }: ListedHub): string[] {
    const terms = state === null ? [`hub ${hub} is not on chain`] : describeHub({ address: hub, ...state });
    return [...terms, `  at ${endpoint}, bond ${formatTon(bondNano)} TON`];
}

function describeCode([hash, { name, retiresAt }]: [string, HubCode]): string {
    return `hub code ${hash} ${name}${retiresAt === null ? '' : `, no listing from ${isoTime(retiresAt)}`}`;
}
