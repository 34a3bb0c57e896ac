import { z } from 'zod';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { planChange } from '../governance';
import { openRegistry, requireActive } from '../network-addresses';
import { verifierOf } from './deploy-verifier';

export const setVerifier = defineAct({
    name: 'set-verifier',
    purpose: 'Puts a deployed quote verifier in charge of a registry (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        verifier: address.optional().describe('verifier; the one that deploy-verifier makes unless given'),
    }),
    async plan(context, { registry: given, verifier }) {
        const registry = await openRegistry(context, given);
        const chosen = verifier ?? (await verifierOf(registry.address, await registry.getState())).address;
        await requireActive(context, chosen, 'verifier', 'deploy-verifier');
        return planChange(context, registry, {
            what: `set the quote verifier ${chosen}`,
            action: { kind: 'setVerifier', verifier: chosen },
            isInForce: async () => (await registry.getState()).verifier?.equals(chosen) ?? false,
        });
    },
});
