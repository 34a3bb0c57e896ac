import type { Address, OpenedContract } from '@ton/core';
import { z } from 'zod';
import type { Distrusted, NodeKey, Registry } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes } from '../fields';
import { isoTime } from '../iso-time';
import { openHub, openProviderOf, openRegistry, requireActive } from '../network-addresses';

export interface RecheckedNode {
    provider: Address;
    hub: Address;
    nodeKey: Buffer;
    /** unix seconds */
    revokedAt: number;
}

export const recheckNode = defineAct({
    name: 'recheck-node',
    purpose:
        'Revokes a node key that was attested with what governance distrusts by now, and tells a hub; anyone may pay for it',
    args: z.strictObject({
        nodeKey: bytes(32).describe('the node’s signing key, hex'),
        owner: address.describe('owner of the node’s provider'),
        hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { nodeKey, owner, hub: given, registry: givenRegistry }): Promise<ActPlan<RecheckedNode>> {
        const registry = await openRegistry(context, givenRegistry);
        const hub = await openHub(context, given);
        const provider = await openProviderOf(context, { registry: registry.address, owner });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const key = await provider.getKey(nodeKey);
        if (key === null)
            throw new OperatorError('argument_invalid', 'the provider has no such key: see show-provider');
        const isDone = async () => {
            const [recorded, admitted] = [await provider.getKey(nodeKey), await hub.getNode(nodeKey)];
            const revokedAt = recorded?.revokedAt ?? null;
            return revokedAt !== null && admitted !== null && admitted.revokedAt !== null ? revokedAt : null;
        };
        const done = await isDone();
        const distrusted = done === null ? await whatIsDistrusted(registry, key) : null;
        const message = (cause: Distrusted) =>
            planMessage(
                context.sender.address,
                `have the key revoked: its ${Object.keys(cause)[0]} is distrusted`,
                (via) =>
                    registry.sendRecheck(via, {
                        provider: provider.address,
                        hub: hub.address,
                        nodeKey,
                        distrusted: cause,
                    }),
            );
        return {
            title: distrusted === null ? 'The hub knows that the key is revoked' : 'Recheck the node',
            summary: [`provider ${provider.address}`, `hub ${hub.address}`, `node key ${nodeKey.toString('hex')}`],
            messages: distrusted === null ? [] : [await message(distrusted)],
            readBack: async () => {
                const revokedAt = await isDone();
                return revokedAt === null ? null : { provider: provider.address, hub: hub.address, nodeKey, revokedAt };
            },
            describe: ({ revokedAt }) => [`revoked since ${isoTime(revokedAt)}`],
        };
    },
});

/** @throws OperatorError `refused` when governance still trusts all of it */
async function whatIsDistrusted(registry: OpenedContract<Registry>, key: NodeKey): Promise<Distrusted> {
    const { imageId, modelRoot, platformId } = key;
    if (!(await registry.getImageAllowed(imageId))) return { imageId };
    if (!(await registry.getModelAllowed(modelRoot))) return { modelRoot };
    if (await registry.getPlatformDenied(platformId)) return { platformId };
    throw new OperatorError('refused', 'image, model and platform of this key are trusted');
}
