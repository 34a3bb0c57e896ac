import { z } from 'zod';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

export const setOwner = defineAct({
    name: 'set-owner',
    purpose: 'Gives the registry another owner (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        owner: address.describe('wallet, multisig or DAO that becomes the owner'),
    }),
    async plan(context, { registry: given, owner }) {
        const registry = await openRegistry(context, given);
        return planChange(context, registry, {
            what: `make ${owner} the owner`,
            action: { kind: 'setOwner', owner },
            isInForce: async () => (await registry.getState()).owner.equals(owner),
        });
    },
});
