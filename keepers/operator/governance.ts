import type { OpenedContract } from '@ton/core';
import {
    encodeGovernanceAction,
    type GovernanceAction,
    isRevocation,
    type Proposal,
    type Registry,
} from '../../wrappers';
import { type ActPlan, type PlannedMessage, planMessage } from './act';
import type { OperatorContext } from './context';
import { OperatorError } from './errors';
import { isoTime } from './iso-time';

/** Where a change of the registry stands. */
export type ChangeStatus =
    { status: 'in force' } | { status: 'waiting'; proposalId: number; executableAt: number } | { status: 'unknown' };

export interface GovernanceChange {
    /** "allow image ab12… (node 0.1)" */
    what: string;
    action: GovernanceAction;
    isInForce(registry: OpenedContract<Registry>): Promise<boolean>;
}

export type ProposedChange = Exclude<ChangeStatus, { status: 'unknown' }>;

export async function changeStatus(
    registry: OpenedContract<Registry>,
    change: GovernanceChange,
): Promise<ChangeStatus> {
    if (await change.isInForce(registry)) return { status: 'in force' };
    const proposal = await findProposal(registry, change.action);
    if (proposal === null) return { status: 'unknown' };
    return { status: 'waiting', proposalId: proposal.id, executableAt: proposal.executableAt };
}

/** The oldest open proposal of the very same action. */
async function findProposal(registry: OpenedContract<Registry>, action: GovernanceAction): Promise<Proposal | null> {
    const wanted = encodeGovernanceAction(action);
    const proposals = await registry.getProposals();
    return proposals.find((proposal) => 'kind' in proposal.action && sameAction(proposal.action, wanted)) ?? null;
}

function sameAction(action: Proposal['action'], wanted: ReturnType<typeof encodeGovernanceAction>): boolean {
    return !isRevocation(action) && encodeGovernanceAction(action).equals(wanted);
}

/**
 * The next step of a change: propose it, execute it once its time has come, or nothing while it waits and when it is in
 * force. Planned again later, it takes up where it stands.
 */
export async function planChange(
    context: OperatorContext,
    registry: OpenedContract<Registry>,
    change: GovernanceChange,
): Promise<ActPlan<ProposedChange>> {
    const before = await changeStatus(registry, change);
    const messages = await nextMessages(context, { registry, change, before });
    const isExecuting = before.status === 'waiting' && messages.length > 0;
    return {
        title: titleOf(change, before, isExecuting),
        summary: [`registry ${registry.address}`],
        messages,
        readBack: async () => {
            const now = await changeStatus(registry, change);
            if (now.status === 'unknown' || (isExecuting && now.status === 'waiting')) return null;
            return now;
        },
        describe: (result) => [
            result.status === 'in force'
                ? `in force: ${change.what}`
                : `proposal ${result.proposalId} can be executed from ${isoTime(result.executableAt)}; run this again then`,
        ],
    };
}

interface Step {
    registry: OpenedContract<Registry>;
    change: GovernanceChange;
    before: ChangeStatus;
}

async function nextMessages(context: OperatorContext, { registry, change, before }: Step): Promise<PlannedMessage[]> {
    const { sender } = context;
    if (before.status === 'in force') return [];
    if (before.status === 'waiting') {
        const { proposalId, executableAt } = before;
        if ((await context.nowSec()) < executableAt) return [];
        const what = `execute proposal ${proposalId}: ${change.what}`;
        return [await planMessage(sender.address, what, (via) => registry.sendExecute(via, { proposalId }))];
    }
    const { action } = change;
    const message = await planMessage(sender.address, `propose to ${change.what}`, (via) =>
        registry.sendPropose(via, { action }),
    );
    await requireOwner(context, registry, message);
    return [message];
}

/** A multisig or DAO owner sends the body itself; the error hands it over. */
async function requireOwner(
    context: OperatorContext,
    registry: OpenedContract<Registry>,
    { what, message }: PlannedMessage,
): Promise<void> {
    const { owner } = await registry.getState();
    if (owner.equals(context.sender.address)) return;
    const body = message.body!.toBoc().toString('base64');
    throw new OperatorError(
        'refused',
        `only the registry's owner ${owner} may ${what}: have it send ${message.value} nanoTON to ${registry.address} with this body, then run this again: ${body}`,
    );
}

function titleOf(change: GovernanceChange, before: ChangeStatus, isExecuting: boolean): string {
    if (before.status === 'in force') return `Already in force: ${change.what}`;
    if (before.status === 'unknown') return `Propose to ${change.what}`;
    return isExecuting ? `Execute: ${change.what}` : `Waiting for the governance delay: ${change.what}`;
}
