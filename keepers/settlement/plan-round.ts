import type { ChainCandidate } from './chain-candidates';
import { decideSettlements, type SettlementCosts, type SettlementPolicy } from './decide-settlements';
import { applyFeeLimits, type FeeLimits } from './fee-limits';
import type { HeldLines } from './held-lines';
import { type DeferReason, noneDeferred } from './settlement-summary';
import type { Batch } from './submit-batches';
import type { Turns } from './turns';

export interface RoundPlan {
    send: { batch: Batch; estimatedFeeNano: bigint }[];
    held: number;
    deferred: Record<DeferReason, number>;
    /** Until the next turn of a batch that waits for one, seconds. */
    nextTurnSec: number | null;
}

export interface PlanOptions {
    candidates: readonly ChainCandidate[];
    costs: SettlementCosts;
    policy: SettlementPolicy;
    limits: FeeLimits;
    holds: HeldLines;
    turns: Turns;
}

/** A deadline nearer than this waits for nobody's turn: about two windows of turns. */
const noTurnsWithinSec = 900;

/** What to send now, of all that is owed. Reads and sends nothing. */
export function planRound({ candidates, costs, policy, limits, holds, turns }: PlanOptions): RoundPlan {
    const { force, nowSec } = policy;
    const free = candidates.filter((one) => force || !holds.isHeld({ line: lineOf(one), ...one }, nowSec));
    const plan: RoundPlan = {
        send: [],
        held: candidates.length - free.length,
        deferred: noneDeferred(),
        nextTurnSec: null,
    };
    const { allowed, refused } = applyFeeLimits(decideSettlements(free, costs, policy), costs, limits);
    for (const { reason } of refused) plan.deferred[reason]++;
    for (const one of allowed) {
        const waitSec = force || isPressing(one.batch, nowSec) ? 0 : turns.waitSec(one.batch.escrow, nowSec);
        if (waitSec === 0) plan.send.push(one);
        else {
            plan.deferred.not_our_turn++;
            plan.nextTurnSec = Math.min(plan.nextTurnSec ?? Infinity, waitSec);
        }
    }
    return plan;
}

export function lineOf({ escrow, epoch, nodeKey }: Pick<ChainCandidate, 'escrow' | 'epoch' | 'nodeKey'>): string {
    return `${escrow}/${epoch}/${nodeKey}`;
}

function isPressing({ lines }: Batch, nowSec: number): boolean {
    return lines.some(({ deadlineSec }) => deadlineSec !== null && deadlineSec - nowSec <= noTurnsWithinSec);
}
