import { z } from 'zod';
import type { Proposal } from '../../../wrappers';
import type { ActPlan } from '../act';
import { defineAct } from '../define-act';
import { address } from '../fields';
import { isoTime } from '../iso-time';
import { openRegistry } from '../network-addresses';
import { resultJson } from '../result-json';

export interface OpenProposals {
    /** chain time, unix seconds */
    nowSec: number;
    proposals: Proposal[];
}

export const showProposals = defineAct({
    name: 'show-proposals',
    purpose: 'Shows what waits for its governance delay, and what anyone can execute',
    args: z.strictObject({
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { registry: given }): Promise<ActPlan<OpenProposals>> {
        const registry = await openRegistry(context, given);
        return {
            title: 'Proposals',
            summary: [],
            messages: [],
            readBack: async () => ({ nowSec: await context.nowSec(), proposals: await registry.getProposals() }),
            describe: ({ nowSec, proposals }) =>
                proposals.length === 0
                    ? ['none is open']
                    : proposals.map((proposal) => describeProposal(proposal, nowSec)),
        };
    },
});

function describeProposal({ id, executableAt, action }: Proposal, nowSec: number): string {
    const when = executableAt <= nowSec ? 'anyone can execute it' : `executable from ${isoTime(executableAt)}`;
    return `proposal ${id}, ${when}: ${resultJson(action)}`;
}
