import type { Address } from '@ton/core';
import { z } from 'zod';
import type { AdmittedNode, NodeKey } from '../../../wrappers';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, bytes } from '../fields';
import { isoTime } from '../iso-time';
import { openHub, openProviderOf, requireActive } from '../network-addresses';

export interface Admission extends AdmittedNode {
    hub: Address;
    nodeKey: Buffer;
}

export const admitNode = defineAct({
    name: 'admit-node',
    purpose: 'Tells a hub until when a recorded node key is good, or that it is revoked; anyone may pay for it',
    args: z.strictObject({
        nodeKey: bytes(32).describe('the node’s signing key, hex'),
        hub: address.optional().describe('settlement hub; the only one of the deployment file unless given'),
        owner: address.optional().describe('the provider’s owner; your wallet unless given'),
    }),
    async plan(context, { nodeKey, hub: given, owner }): Promise<ActPlan<Admission>> {
        const hub = await openHub(context, given);
        const { registry } = await hub.getState();
        const provider = await openProviderOf(context, { registry, owner });
        await requireActive(context, provider.address, 'provider', 'create-provider');
        const key = await provider.getKey(nodeKey);
        if (key === null) throw new OperatorError('not_ready', 'the provider has no such key: run register-node first');
        const before = await hub.getNode(nodeKey);
        const message = () =>
            planMessage(context.sender.address, 'ask for admission; what storage does not need comes back', (via) =>
                provider.sendRequestAdmission(via, { nodeKey, hub: hub.address }),
            );
        return {
            title: knows(before, key) ? 'The hub knows the key already' : 'Have the node admitted',
            summary: [`hub ${hub.address}`, `provider ${provider.address}`, `node key ${nodeKey.toString('hex')}`],
            messages: knows(before, key) ? [] : [await message()],
            readBack: async () => {
                const node = await hub.getNode(nodeKey);
                return knows(node, key) ? { hub: hub.address, nodeKey, ...node } : null;
            },
            describe: (node) => [
                node.revokedAt === null
                    ? `admitted until ${isoTime(node.notAfter)}; receipts settle until ${isoTime(node.settlesUntil)}`
                    : `revoked since ${isoTime(node.revokedAt)}; receipts settle until ${isoTime(node.settlesUntil)}`,
            ],
        };
    },
});

function knows(node: AdmittedNode | null, key: NodeKey): node is AdmittedNode {
    return node !== null && node.notAfter >= key.notAfter && (key.revokedAt === null) === (node.revokedAt === null);
}
