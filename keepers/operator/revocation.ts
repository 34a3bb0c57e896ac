import type { OpenedContract, Sender } from '@ton/core';
import type { Registry } from '../../wrappers';
import { type ActPlan, planMessage } from './act';
import type { OperatorContext } from './context';
import { OperatorError } from './errors';

export interface RevocationPlan {
    /** "revoke image ab12…" */
    what: string;
    isRevoked: (registry: OpenedContract<Registry>) => Promise<boolean>;
    send: (registry: OpenedContract<Registry>, via: Sender) => Promise<void>;
}

export interface Revoked {
    /** of the registry */
    version: number;
}

/**
 * What owner or guardian takes back at once.
 * @throws OperatorError `refused`, with the message's body for a multisig, when the sender is neither
 */
export async function planRevocation(
    context: OperatorContext,
    registry: OpenedContract<Registry>,
    { what, isRevoked, send }: RevocationPlan,
): Promise<ActPlan<Revoked>> {
    const isDone = await isRevoked(registry);
    const planned = await planMessage(context.sender.address, what, (via) => send(registry, via));
    const { owner, guardian } = await registry.getState();
    if (!isDone && ![owner, guardian].some((one) => one.equals(context.sender.address))) {
        const body = planned.message.body!.toBoc().toString('base64');
        throw new OperatorError(
            'refused',
            `only the registry's owner ${owner} or guardian ${guardian} may ${what}: have one send ${planned.message.value} nanoTON to ${registry.address} with this body: ${body}`,
        );
    }
    return {
        title: isDone ? `Done already: ${what}` : `At once: ${what}`,
        summary: [`registry ${registry.address}`],
        messages: isDone ? [] : [planned],
        readBack: async () => ((await isRevoked(registry)) ? { version: (await registry.getState()).version } : null),
        describe: ({ version }) => [`the registry is at version ${version}`],
    };
}
