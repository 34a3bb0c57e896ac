import { z } from 'zod';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, uint32 } from '../fields';
import { openRegistry } from '../network-addresses';

export interface CancelledProposal {
    proposalId: number;
}

export const cancelProposal = defineAct({
    name: 'cancel-proposal',
    purpose: 'Stops a proposal (owner; guardian unless it replaces owner or guardian)',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        proposalId: uint32.describe('number of the proposal, as show-proposals lists it'),
    }),
    async plan(context, { registry: given, proposalId }): Promise<ActPlan<CancelledProposal>> {
        const registry = await openRegistry(context, given);
        const proposal = await registry.getProposal(proposalId);
        const what = `cancel proposal ${proposalId}: ${proposal?.action.kind}`;
        const planned = await planMessage(context.sender.address, what, (via) =>
            registry.sendCancel(via, { proposalId }),
        );
        const { owner, guardian } = await registry.getState();
        const isReplacement = proposal?.action.kind === 'setOwner' || proposal?.action.kind === 'setGuardian';
        const allowed = isReplacement ? [owner] : [owner, guardian];
        if (proposal !== null && !allowed.some((one) => one.equals(context.sender.address))) {
            const body = planned.message.body!.toBoc().toString('base64');
            throw new OperatorError(
                'refused',
                `only ${allowed.join(' or ')} may ${what}: have one send ${planned.message.value} nanoTON to ${registry.address} with this body: ${body}`,
            );
        }
        return {
            title:
                proposal === null ? `Proposal ${proposalId} is not open (any more)` : `Cancel proposal ${proposalId}`,
            summary: [`registry ${registry.address}`],
            messages: proposal === null ? [] : [planned],
            readBack: async () => ((await registry.getProposal(proposalId)) === null ? { proposalId } : null),
            describe: () => [`proposal ${proposalId} is not open any more`],
        };
    },
});
