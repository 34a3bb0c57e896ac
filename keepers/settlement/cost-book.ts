import type { OpenedContract } from '@ton/core';
import type { Payout } from '../../wrappers';
import type { Clock } from '../base';
import type { SettlementCosts } from './decide-settlements';
import { batchCostNano } from './fee-limits';

/** The chain's prices change by votes of validators: rarely, and never from one minute to the next. */
const maxAgeMs = 300_000;
const whole = 10_000n;

/**
 * What settling costs: the hub's upper bound at the chain's prices of the moment, times the share of it that our own
 * settlements have taken.
 */
export class CostBook {
    private bounds: { costs: SettlementCosts; atMs: number } | null = null;
    private shareBps = whole;

    constructor(
        private readonly hub: OpenedContract<Payout>,
        private readonly clock: Clock,
    ) {}

    async costs(): Promise<SettlementCosts> {
        const { batchNano, lineNano } = await this.upperBounds();
        return { batchNano: (batchNano * this.shareBps) / whole, lineNano: (lineNano * this.shareBps) / whole };
    }

    /** @param batches lines of each */
    async learn(batches: readonly number[], feeNano: bigint): Promise<void> {
        const bounds = await this.upperBounds();
        const boundNano = batches.reduce((sum, lines) => sum + batchCostNano(lines, bounds), 0n);
        if (boundNano > 0n && feeNano > 0n) this.shareBps = (feeNano * whole) / boundNano;
    }

    private async upperBounds(): Promise<SettlementCosts> {
        const nowMs = this.clock.nowMs();
        if (this.bounds && nowMs - this.bounds.atMs < maxAgeMs) return this.bounds.costs;
        const [one, two] = await Promise.all([this.hub.getSettleCost(1), this.hub.getSettleCost(2)]);
        const costs = { batchNano: one - (two - one), lineNano: two - one };
        this.bounds = { costs, atMs: nowMs };
        return costs;
    }
}
