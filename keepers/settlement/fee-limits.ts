import type { SettlementCandidate, SettlementBatch, SettlementCosts } from './decide-settlements';

export interface FeeLimits {
    /** Most that one Settle message may cost. */
    maxFeePerSettlementNano: bigint | null;
    /** What is left of the day's budget. */
    leftTodayNano: bigint | null;
}

export type FeeRefusal = 'fee_above_ceiling' | 'budget_exhausted';

export interface FeeVerdict<C extends SettlementCandidate> {
    allowed: { batch: SettlementBatch<C>; estimatedFeeNano: bigint }[];
    refused: { batch: SettlementBatch<C>; reason: FeeRefusal }[];
}

/** What may be spent now, the urgent and the valuable first. Pure. */
export function applyFeeLimits<C extends SettlementCandidate>(
    batches: readonly SettlementBatch<C>[],
    costs: SettlementCosts,
    limits: FeeLimits,
): FeeVerdict<C> {
    const verdict: FeeVerdict<C> = { allowed: [], refused: [] };
    let leftNano = limits.leftTodayNano;
    for (const batch of [...batches].sort(byPressure)) {
        const estimatedFeeNano = batchCostNano(batch.lines.length, costs);
        const { maxFeePerSettlementNano: ceilingNano } = limits;
        if (ceilingNano !== null && estimatedFeeNano > ceilingNano) {
            verdict.refused.push({ batch, reason: 'fee_above_ceiling' });
        } else if (leftNano !== null && estimatedFeeNano > leftNano) {
            verdict.refused.push({ batch, reason: 'budget_exhausted' });
        } else {
            if (leftNano !== null) leftNano -= estimatedFeeNano;
            verdict.allowed.push({ batch, estimatedFeeNano });
        }
    }
    return verdict;
}

export function batchCostNano(lines: number, { batchNano, lineNano }: SettlementCosts): bigint {
    return batchNano + lineNano * BigInt(lines);
}

function byPressure(a: SettlementBatch<SettlementCandidate>, b: SettlementBatch<SettlementCandidate>): number {
    const urgency = Number(b.reason === 'deadline') - Number(a.reason === 'deadline');
    return urgency || (a.valueNano > b.valueNano ? -1 : a.valueNano < b.valueNano ? 1 : 0);
}
