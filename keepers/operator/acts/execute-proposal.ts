import { z } from 'zod';
import { type ActPlan, planMessage } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, uint32 } from '../fields';
import { isoTime } from '../iso-time';
import { openRegistry } from '../network-addresses';

export interface ExecutedProposal {
    proposalId: number;
    /** of the registry */
    version: number;
}

export const executeProposal = defineAct({
    name: 'execute-proposal',
    purpose: 'Executes a proposal whose governance delay has passed; anyone may',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
        proposalId: uint32.describe('number of the proposal, as show-network lists it'),
    }),
    async plan(context, { registry: given, proposalId }): Promise<ActPlan<ExecutedProposal>> {
        const registry = await openRegistry(context, given);
        const proposal = await registry.getProposal(proposalId);
        const leftSec = proposal === null ? 0 : proposal.executableAt - (await context.nowSec());
        if (proposal !== null && leftSec > 0) {
            const when = isoTime(proposal.executableAt);
            const message = `proposal ${proposalId} can be executed from ${when}, in ${leftSec} s`;
            throw new OperatorError('not_ready', message, { action: 'retry' });
        }
        const what = `execute proposal ${proposalId}: ${proposal?.action.kind}`;
        const message = () =>
            planMessage(context.sender.address, what, (via) => registry.sendExecute(via, { proposalId }));
        return {
            title:
                proposal === null ? `Proposal ${proposalId} is not open (any more)` : `Execute proposal ${proposalId}`,
            summary: [`registry ${registry.address}`],
            messages: proposal === null ? [] : [await message()],
            readBack: async () => {
                if ((await registry.getProposal(proposalId)) !== null) return null;
                return { proposalId, version: (await registry.getState()).version };
            },
            describe: ({ version }) => [`the registry is at version ${version}`],
        };
    },
});
