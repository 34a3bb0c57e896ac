import type { Address } from '@ton/core';
import { z } from 'zod';
import { formatTon } from '../../base';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { openHub } from '../network-addresses';

export interface ClaimResult {
    hub: Address;
    owner: Address;
    /** credit that the claim found; 0 when there was none */
    claimedNano: bigint;
    /** credited since */
    creditNano: bigint;
}

export const claim = defineAct({
    name: 'claim',
    purpose: 'Claims everything a hub owes to your wallet',
    args: z.strictObject({
        hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
    }),
    async plan(context, { hub: given }): Promise<ActPlan<ClaimResult>> {
        const hub = await openHub(context, given);
        const owner = context.sender.address;
        const claimedNano = await hub.getCredit(owner);
        const what = `claim ${formatTon(claimedNano)} TON; the value comes back with it`;
        const message = () => planMessage(owner, what, (via) => hub.sendClaim(via));
        return {
            title: claimedNano > 0n ? 'Claim earnings' : 'Nothing to claim',
            summary: [`hub ${hub.address}`, `owner ${owner}`],
            messages: claimedNano > 0n ? [await message()] : [],
            readBack: async () => {
                const creditNano = await hub.getCredit(owner);
                const isPaid = claimedNano === 0n || creditNano < claimedNano;
                return isPaid ? { hub: hub.address, owner, claimedNano, creditNano } : null;
            },
            describe: (result) => [
                `claimed ${formatTon(result.claimedNano)} TON, ${formatTon(result.creditNano)} TON credited since`,
            ],
        };
    },
});
