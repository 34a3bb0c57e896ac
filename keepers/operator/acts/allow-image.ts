import { z } from 'zod';
import { defineAct } from '../define-act';
import { address, bytes, entryName } from '../fields';
import { planChange } from '../governance';
import { openRegistry } from '../network-addresses';

export const imageArguments = {
    imageId: bytes(32).describe('id of the image by its measurements (TDX: SHA-256 over MRTD and RTMR0 to RTMR3), hex'),
    imageKind: z
        .enum(['tdx', 'sev-snp'])
        .default('tdx')
        .describe('tdx: quotes are verified on chain; sev-snp: by clients only, keys need the higher bond'),
    name: entryName.describe('name for people'),
};

export const allowImage = defineAct({
    name: 'allow-image',
    purpose: 'Allows a node image by its measurements (proposed, then executed after the delay)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        ...imageArguments,
    }),
    async plan(context, { registry: given, imageId, imageKind, name }) {
        const registry = await openRegistry(context, given);
        const hex = imageId.toString('hex');
        return planChange(context, registry, {
            what: `allow ${imageKind} image ${hex} (${name})`,
            action: { kind: 'allowImage', imageId, imageKind, name },
            isInForce: async () => {
                const known = (await registry.getImages()).get(hex);
                return known?.name === name && known.imageKind === imageKind;
            },
        });
    },
});
