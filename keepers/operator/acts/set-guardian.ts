import { z } from 'zod';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

export const setGuardian = defineAct({
    name: 'set-guardian',
    purpose: 'Gives the registry another guardian (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        guardian: address.describe('wallet, multisig or DAO that becomes the guardian'),
    }),
    async plan(context, { registry: given, guardian }) {
        const registry = await openRegistry(context, given);
        return planChange(context, registry, {
            what: `make ${guardian} the guardian`,
            action: { kind: 'setGuardian', guardian },
            isInForce: async () => (await registry.getState()).guardian.equals(guardian),
        });
    },
});
