import type { Address } from '@ton/core';
import { z } from 'zod';
import { type AllowedImage, Payout, type Proposal, type RegistryState } from '../../../wrappers';
import { isActive } from '../account';
import type { ActPlan } from '../act';
import type { OperatorContext } from '../context';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { isoTime } from '../iso-time';
import { openRegistry } from '../network-addresses';
import { describeHub, type HubView } from './deploy-hub';
import { describeParameters } from './set-parameters';

export interface NetworkView {
    registry: RegistryState & { address: Address };
    /** by id in hex */
    images: Map<string, AllowedImage>;
    models: Map<string, string>;
    deniedPlatforms: string[];
    proposals: Proposal[];
    /** of the deployment file, as the chain has them */
    hubs: HubView[];
}

export const showNetwork = defineAct({
    name: 'show-network',
    purpose: 'Shows a network’s registry, what it allows, what is proposed, and its hubs',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { registry: given }): Promise<ActPlan<NetworkView>> {
        const registry = await openRegistry(context, given);
        return {
            title: 'Network',
            summary: [],
            messages: [],
            readBack: async () => ({
                registry: { address: registry.address, ...(await registry.getState()) },
                images: await registry.getImages(),
                models: await registry.getModels(),
                deniedPlatforms: [...(await registry.getDeniedPlatforms())],
                proposals: await registry.getProposals(),
                hubs: await readHubs(context, registry.address),
            }),
            describe: describeNetwork,
        };
    },
});

async function readHubs(context: OperatorContext, registry: Address): Promise<HubView[]> {
    if (!context.deployment.isOf(registry)) return [];
    const views: HubView[] = [];
    for (const { address } of context.deployment.read()!.hubs) {
        if (!(await isActive(context, address))) continue;
        views.push({ address, ...(await context.open(Payout.createFromAddress(address)).getState()) });
    }
    return views;
}

function describeNetwork({ registry, images, models, deniedPlatforms, proposals, hubs }: NetworkView): string[] {
    return [
        `registry ${registry.address}, ${registry.kind}, version ${registry.version}`,
        `owner ${registry.owner}, guardian ${registry.guardian}, governance delay ${registry.governanceDelaySec} s`,
        `verifier ${registry.verifier?.toString() ?? 'none'}`,
        describeParameters(registry),
        ...[...images].map(([id, { imageKind, name }]) => `${imageKind} image ${id} ${name}`),
        ...[...models].map(([id, name]) => `model ${id} ${name}`),
        ...deniedPlatforms.map((id) => `denied platform ${id}`),
        ...proposals.map(
            ({ id, action, executableAt }) => `proposal ${id}: ${action.kind}, from ${isoTime(executableAt)}`,
        ),
        ...hubs.flatMap(describeHub),
    ];
}
