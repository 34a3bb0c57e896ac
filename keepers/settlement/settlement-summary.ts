import type { SkipReason } from './chain-candidates';
import type { FeeRefusal } from './fee-limits';
import type { UnreadableLog } from './unreadable-log';

/** Why a batch that is worth sending waits. */
export type DeferReason =
    | FeeRefusal
    /** Other settlers are about, and it is not this one's turn. */
    | 'not_our_turn'
    /** The settler is stopping. */
    | 'stopping';

export interface SettlementSummary {
    /** Settle messages that were worth sending; those of `failures` came to nothing, and may not have been sent. */
    batches: number;
    lines: number;
    /** What the chain has paid on account of this run. */
    settledNano: bigint;
    /** What the messages took, as far as their traces were seen. */
    costNano: bigint;
    /** Owed on chain's terms, but not settled: too small yet, held, deferred, or failed. */
    outstandingNano: bigint;
    skipped: Record<SkipReason, number>;
    /** Lines that the chain passed over before, kept back until something changes. */
    held: number;
    /** Batches that wait, by reason. */
    deferred: Record<DeferReason, number>;
    /** Codes of batches that could not be sent or that the chain did not take. */
    failures: string[];
    /** Messages that came to nothing because another settler was first. */
    overtaken: number;
}

/** What a settler tells of a round at all its hubs; `failures` has the codes of `unreadableLogs` too. */
export interface SettlerReport extends SettlementSummary {
    unreadableLogs: UnreadableLog[];
}

export function noneDeferred(): Record<DeferReason, number> {
    return { fee_above_ceiling: 0, budget_exhausted: 0, not_our_turn: 0, stopping: 0 };
}

export function summaryOfBoth(a: SettlementSummary, b: SettlementSummary): SettlementSummary {
    return {
        batches: a.batches + b.batches,
        lines: a.lines + b.lines,
        settledNano: a.settledNano + b.settledNano,
        costNano: a.costNano + b.costNano,
        outstandingNano: a.outstandingNano + b.outstandingNano,
        skipped: countsOfBoth(a.skipped, b.skipped),
        held: a.held + b.held,
        deferred: countsOfBoth(a.deferred, b.deferred),
        failures: [...a.failures, ...b.failures],
        overtaken: a.overtaken + b.overtaken,
    };
}

function countsOfBoth<Key extends string>(a: Record<Key, number>, b: Record<Key, number>): Record<Key, number> {
    const sums = Object.entries<number>(a).map(([key, count]) => [key, count + b[key as Key]]);
    return Object.fromEntries(sums) as Record<Key, number>;
}

export function loggable(summary: SettlerReport) {
    return {
        ...summary,
        settledNano: summary.settledNano.toString(),
        costNano: summary.costNano.toString(),
        outstandingNano: summary.outstandingNano.toString(),
    };
}
