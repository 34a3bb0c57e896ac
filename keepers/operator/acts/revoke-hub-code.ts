import { z } from 'zod';
import { defineAct } from '../define-act';
import { address, bytes } from '../fields';
import { openRegistry } from '../network-addresses';
import { planRevocation } from '../revocation';

export const revokeHubCode = defineAct({
    name: 'revoke-hub-code',
    purpose: 'Lets no hub with this code be listed any more, at once (owner or guardian)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        codeHash: bytes(32).describe('hash of the hubs’ code, hex'),
    }),
    async plan(context, { registry: given, codeHash }) {
        const hex = codeHash.toString('hex');
        return planRevocation(context, await openRegistry(context, given), {
            what: `revoke hub code ${hex}`,
            isRevoked: async (registry) => !(await registry.getHubCodes()).has(hex),
            send: (registry, via) => registry.sendRevokeHubCode(via, { codeHash }),
        });
    },
});
