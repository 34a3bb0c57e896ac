import { maxSettlementLines } from '../../wrappers';

/** One node's account with one escrow, as far as deciding needs it. */
export interface SettlementCandidate {
    /** Account id in hex. */
    escrow: string;
    epoch: number;
    /** In hex. */
    nodeKey: string;
    /** What settling now would move: min(cap, receipt) - paid. */
    owedNano: bigint;
    /** What the escrow has for all its nodes. */
    balanceNano: bigint;
    /** The last second in which the chain takes it (close, key expiry, session end); null: none in sight. */
    deadlineSec: number | null;
}

/** What a settler loses on a batch: fees, not the value that comes back. */
export interface SettlementCosts {
    batchNano: bigint;
    lineNano: bigint;
}

export interface SettlementPolicy {
    /** Chain time. */
    nowSec: number;
    /** Settle when the value at risk is this many times the cost. */
    minValueToCostRatio: bigint;
    /** A deadline this near makes a candidate urgent: then it only has to be worth its cost. */
    urgentWithinSec: number;
    /** Settle everything that is owed, whatever it costs. */
    force: boolean;
    /** Leave it to others unless a deadline presses. */
    deadlinesOnly?: boolean;
    maxLines?: number;
}

export type SettlementReason = 'value' | 'deadline' | 'forced';

export interface SettlementBatch<C extends SettlementCandidate> {
    escrow: string;
    epoch: number;
    /** One to ten, the most pressing first: the escrow pays in order, up to its balance. */
    lines: C[];
    valueNano: bigint;
    /** The escrow can pay all that it owes, here and in its other batches: no line goes short, whatever the order. */
    balanceCovers: boolean;
    reason: SettlementReason;
}

/** Which batches to send now. Pure: the same candidates in any order give the same batches. */
export function decideSettlements<C extends SettlementCandidate>(
    candidates: readonly C[],
    costs: SettlementCosts,
    policy: SettlementPolicy,
): SettlementBatch<C>[] {
    const payable = candidates.filter((candidate) => isPayable(candidate, costs, policy));
    return [...groupByEscrow(payable).values()].flatMap((group) => batchesOfEscrow(group, costs, policy));
}

/** Owed, still in time, and no dearer to add to a batch than it brings. */
function isPayable(candidate: SettlementCandidate, costs: SettlementCosts, policy: SettlementPolicy): boolean {
    if (candidate.owedNano <= 0n) return false;
    if (candidate.deadlineSec !== null && candidate.deadlineSec < policy.nowSec) return false;
    return policy.force || candidate.owedNano > costs.lineNano;
}

function groupByEscrow<C extends SettlementCandidate>(candidates: readonly C[]): Map<string, C[]> {
    const groups = new Map<string, C[]>();
    for (const candidate of [...candidates].sort(byPlace)) {
        const key = `${candidate.escrow}/${candidate.epoch}`;
        const group = groups.get(key);
        if (group) group.push(candidate);
        else groups.set(key, [candidate]);
    }
    return groups;
}

function batchesOfEscrow<C extends SettlementCandidate>(
    group: C[],
    costs: SettlementCosts,
    policy: SettlementPolicy,
): SettlementBatch<C>[] {
    const { maxLines = maxSettlementLines } = policy;
    const ordered = group.sort((a, b) => Number(isUrgent(b, policy)) - Number(isUrgent(a, policy)) || byValue(a, b));
    const balanceCovers = group.every(({ balanceNano }) => totalNano(group) <= balanceNano);
    const batches: SettlementBatch<C>[] = [];
    for (let start = 0; start < ordered.length; start += maxLines) {
        const lines = ordered.slice(start, start + maxLines);
        const reason = reasonToSettle(lines, costs, policy);
        if (reason === null) continue;
        const { escrow, epoch } = lines[0]!;
        batches.push({ escrow, epoch, lines, valueNano: totalNano(lines), balanceCovers, reason });
    }
    return batches;
}

function reasonToSettle(
    lines: readonly SettlementCandidate[],
    costs: SettlementCosts,
    policy: SettlementPolicy,
): SettlementReason | null {
    const valueNano = totalNano(lines);
    const costNano = costs.batchNano + costs.lineNano * BigInt(lines.length);
    const isWorthIt = valueNano >= costNano * policy.minValueToCostRatio;
    if (isWorthIt && !policy.deadlinesOnly) return 'value';
    if (policy.force) return 'forced';
    const urgent = lines.some((line) => isUrgent(line, policy));
    return urgent && valueNano > costNano ? 'deadline' : null;
}

function totalNano(lines: readonly SettlementCandidate[]): bigint {
    return lines.reduce((sum, { owedNano }) => sum + owedNano, 0n);
}

function isUrgent(candidate: SettlementCandidate, policy: SettlementPolicy): boolean {
    return candidate.deadlineSec !== null && candidate.deadlineSec - policy.nowSec <= policy.urgentWithinSec;
}

function byPlace(a: SettlementCandidate, b: SettlementCandidate): number {
    return compare(a.escrow, b.escrow) || a.epoch - b.epoch;
}

function byValue(a: SettlementCandidate, b: SettlementCandidate): number {
    return compare(b.owedNano, a.owedNano) || compare(a.nodeKey, b.nodeKey);
}

function compare<T extends bigint | string>(a: T, b: T): number {
    return a < b ? -1 : a > b ? 1 : 0;
}
