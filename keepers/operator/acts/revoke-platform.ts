import { z } from 'zod';
import { defineAct } from '../define-act';
import { address, bytes } from '../fields';
import { openRegistry } from '../network-addresses';
import { planRevocation } from '../revocation';

export const revokePlatform = defineAct({
    name: 'revoke-platform',
    purpose: 'Denies a platform at once (owner or guardian)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        platformId: bytes(32).describe('id of the platform, hex'),
    }),
    async plan(context, { registry: given, platformId }) {
        const hex = platformId.toString('hex');
        return planRevocation(context, await openRegistry(context, given), {
            what: `deny platform ${hex}`,
            isRevoked: async (registry) => registry.getPlatformDenied(platformId),
            send: (registry, via) => registry.sendDenyPlatform(via, { platformId }),
        });
    },
});
