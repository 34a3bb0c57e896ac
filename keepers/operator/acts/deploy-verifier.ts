import type { Address } from '@ton/core';
import { z } from 'zod';
import { QuoteVerifier, type Registry } from '../../../wrappers';
import { isActive } from '../account';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { openRegistry } from '../network-addresses';

export interface VerifierView {
    address: Address;
}

export const deployVerifier = defineAct({
    name: 'deploy-verifier',
    purpose: 'Deploys the contract that verifies quotes for a registry; set-verifier puts it in charge',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { registry: given }): Promise<ActPlan<VerifierView>> {
        const registry = await openRegistry(context, given);
        const verifier = context.open(await verifierOf(registry.address, await registry.getState()));
        const isDone = await isActive(context, verifier.address);
        const message = () =>
            planMessage(
                context.sender.address,
                'deploy the quote verifier; what storage does not need comes back',
                (via) => verifier.sendDeploy(via),
            );
        return {
            title: isDone ? 'The quote verifier exists' : 'Deploy the quote verifier',
            summary: [`verifier ${verifier.address}`, `of registry ${registry.address}`],
            messages: isDone ? [] : [await message()],
            readBack: async () => {
                return (await isActive(context, verifier.address)) ? { address: verifier.address } : null;
            },
            describe: (view) => [`verifier ${view.address}`],
            record: (view) => {
                if (context.deployment.isOf(registry.address)) context.deployment.recordVerifier(view.address);
            },
        };
    },
});

/** The verifier of a registry's kind and root key. */
export function verifierOf(
    registry: Address,
    { kind, rootKey }: Pick<Awaited<ReturnType<Registry['getState']>>, 'kind' | 'rootKey'>,
): Promise<QuoteVerifier> {
    return QuoteVerifier.createFromConfig({ registry, kind: kind === 'production' ? 1 : 2, rootKey });
}
