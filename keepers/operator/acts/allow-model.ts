import { z } from 'zod';
import { defineAct } from '../define-act';
import { address, bytes, entryName } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

export const modelArguments = {
    modelRoot: bytes(32).describe('root of the model’s manifest, hex'),
    name: entryName.describe('name for people'),
};

export const allowModel = defineAct({
    name: 'allow-model',
    purpose: 'Allows a model by the root of its manifest (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        ...modelArguments,
    }),
    async plan(context, { registry: given, modelRoot, name }) {
        const registry = await openRegistry(context, given);
        const hex = modelRoot.toString('hex');
        return planChange(context, registry, {
            what: `allow model ${hex} (${name})`,
            action: { kind: 'allowModel', modelRoot, name },
            isInForce: async () => (await registry.getModels()).get(hex) === name,
        });
    },
});
