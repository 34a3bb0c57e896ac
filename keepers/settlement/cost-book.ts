import type { OpenedContract } from '@ton/core';
import type { Payout } from '../../wrappers';
import { type Clock, feeSpread } from '../base';
import type { SettlementCosts } from './decide-settlements';
import { batchCostNano } from './fee-limits';

/** The chain's prices change by votes of validators: rarely, and never from one minute to the next. */
const maxAgeMs = 300_000;
const whole = 10_000n;
/** Settlements whose shares are remembered: the middle one counts, so that one made-up fee moves nothing. */
const remembered = 5;

/**
 * What settling costs: the hub's upper bound at the chain's prices of the moment, times the share of it that our own
 * settlements have taken. What they took is told by one endpoint, so no share counts as more than the bound, or no
 * settlement might be worth its cost ever again, nor as less than a small part, or any might.
 */
export class CostBook {
    private bounds: { costs: SettlementCosts; atMs: number } | null = null;
    private readonly sharesBps = Array.from({ length: remembered }, () => whole);

    constructor(
        private readonly hub: OpenedContract<Payout>,
        private readonly clock: Clock,
    ) {}

    async costs(): Promise<SettlementCosts> {
        const { batchNano, lineNano } = await this.upperBounds();
        const shareBps = this.shareBps();
        return { batchNano: (batchNano * shareBps) / whole, lineNano: (lineNano * shareBps) / whole };
    }

    /** @param batches lines of each */
    async learn(batches: readonly number[], feeNano: bigint): Promise<void> {
        const bounds = await this.upperBounds();
        const boundNano = batches.reduce((sum, lines) => sum + batchCostNano(lines, bounds), 0n);
        if (boundNano <= 0n) return;
        const shareBps = (feeNano * whole) / boundNano;
        const leastBps = whole / feeSpread;
        this.sharesBps.shift();
        this.sharesBps.push(shareBps > whole ? whole : shareBps < leastBps ? leastBps : shareBps);
    }

    private shareBps(): bigint {
        const sorted = [...this.sharesBps].sort((a, b) => Number(a - b));
        return sorted[(remembered - 1) / 2]!;
    }

    private async upperBounds(): Promise<SettlementCosts> {
        const nowMs = this.clock.monotonicMs();
        if (this.bounds && nowMs - this.bounds.atMs < maxAgeMs) return this.bounds.costs;
        const [one, two] = await Promise.all([this.hub.getSettleCost(1), this.hub.getSettleCost(2)]);
        const costs = { batchNano: one - (two - one), lineNano: two - one };
        this.bounds = { costs, atMs: nowMs };
        return costs;
    }
}
