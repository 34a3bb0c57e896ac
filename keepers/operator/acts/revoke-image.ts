import { z } from 'zod';
import { defineAct } from '../define-act';
import { address, bytes } from '../fields';
import { openRegistry } from '../network-addresses';
import { planRevocation } from '../revocation';

export const revokeImage = defineAct({
    name: 'revoke-image',
    purpose: 'Takes an image off the list at once (owner or guardian)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        imageId: bytes(32).describe('id of the image, hex'),
    }),
    async plan(context, { registry: given, imageId }) {
        const hex = imageId.toString('hex');
        return planRevocation(context, await openRegistry(context, given), {
            what: `revoke image ${hex}`,
            isRevoked: async (registry) => !(await registry.getImageAllowed(imageId)),
            send: (registry, via) => registry.sendRevokeImage(via, { imageId }),
        });
    },
});
