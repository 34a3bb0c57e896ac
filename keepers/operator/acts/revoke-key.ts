import type { Address } from '@ton/core';
import { z } from 'zod';
import type { NodeKey } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes } from '../fields';
import { isoTime } from '../iso-time';
import { openProviderOf, requireActive } from '../network-addresses';

export interface RevokedKey extends NodeKey {
    provider: Address;
    revokedAt: number;
}

export const revokeKey = defineAct({
    name: 'revoke-key',
    purpose: 'Revokes a node key of your provider for good; tell its hubs with admit-node',
    args: z.strictObject({
        nodeKey: bytes(32).describe('the node’s signing key, hex'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { nodeKey, registry }): Promise<ActPlan<RevokedKey>> {
        const provider = await openProviderOf(context, { registry });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const key = await provider.getKey(nodeKey);
        if (key === null)
            throw new OperatorError('argument_invalid', 'your provider has no such key: see show-provider');
        const message = () =>
            planMessage(context.sender.address, 'revoke the key', (via) => provider.sendRevokeKey(via, { nodeKey }));
        return {
            title: key.revokedAt === null ? 'Revoke the key' : 'The key is revoked already',
            summary: [`provider ${provider.address}`, `node key ${nodeKey.toString('hex')}`],
            messages: key.revokedAt === null ? [await message()] : [],
            readBack: async () => {
                const now = await provider.getKey(nodeKey);
                if (now === null || now.revokedAt === null) return null;
                return { provider: provider.address, ...now, revokedAt: now.revokedAt };
            },
            describe: (revoked) => [`revoked since ${isoTime(revoked.revokedAt)}; hubs learn it by admit-node`],
        };
    },
});
