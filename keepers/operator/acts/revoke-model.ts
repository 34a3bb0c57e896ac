import { z } from 'zod';
import { defineAct } from '../define-act';
import { address, bytes } from '../fields';
import { openRegistry } from '../network-addresses';
import { planRevocation } from '../revocation';

export const revokeModel = defineAct({
    name: 'revoke-model',
    purpose: 'Takes a model off the list at once (owner or guardian)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        modelRoot: bytes(32).describe('root of the model’s manifest, hex'),
    }),
    async plan(context, { registry: given, modelRoot }) {
        const hex = modelRoot.toString('hex');
        return planRevocation(context, await openRegistry(context, given), {
            what: `revoke model ${hex}`,
            isRevoked: async (registry) => !(await registry.getModelAllowed(modelRoot)),
            send: (registry, via) => registry.sendRevokeModel(via, { modelRoot }),
        });
    },
});
