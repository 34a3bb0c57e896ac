import type { Registry } from 'prom-client';
import { counter, histogram, nanoAsNumber, pulledGauge, requestSeconds } from '../instruments';
import type { RoleTelemetry } from '../telemetry';

/** What a round of settling came to. */
export interface ObservedRound {
    batches: number;
    lines: number;
    settledNano: bigint;
    costNano: bigint;
    outstandingNano: bigint;
    /** Receipts that can't be settled, by why. */
    skipped: Readonly<Record<string, number>>;
    /** Codes of batches that were not sent or not taken, and of logs that could not be read. */
    failures: readonly string[];
    unreadableLogs: readonly { code: string; message: string }[];
    /** Lines that the chain passed over, kept back. */
    held: number;
    /** Batches worth sending that wait, by why. */
    deferred: Readonly<Record<string, number>>;
    /** Messages that came to nothing because another settler was first. */
    overtaken: number;
}

const failuresToTell = 3;

export class SettlerMetrics {
    private readonly rounds;
    private readonly seconds;
    private readonly batches;
    private readonly lines;
    private readonly settled;
    private readonly cost;
    private readonly overtaken;
    private last: ObservedRound | undefined;
    private lastGoodSec: number | undefined;
    private outstandingNano: bigint | undefined;
    private failuresInARow = 0;
    private lastFailures: readonly string[] = [];

    constructor(registry: Registry) {
        this.rounds = counter(registry, 'cocoon_settler_rounds_total', 'Rounds of settling, by outcome', 'outcome');
        this.seconds = histogram(
            registry,
            'cocoon_settler_round_duration_seconds',
            'A round of settling, waits for the chain included',
            requestSeconds,
        );
        this.batches = counter(registry, 'cocoon_settler_batches_total', 'Settle messages, by outcome', 'outcome');
        this.lines = counter(registry, 'cocoon_settler_lines_total', 'Lines in settle messages that were sent');
        this.settled = counter(
            registry,
            'cocoon_settler_settled_nanoton_total',
            'What the chain paid providers on account of this settler',
        );
        this.cost = counter(registry, 'cocoon_settler_gas_nanoton_total', 'What the gas wallet lost by settling');
        this.overtaken = counter(
            registry,
            'cocoon_settler_overtaken_total',
            'Settle messages that came to nothing because another settler was first',
        );
        const gauge = (name: string, help: string, read: () => number | undefined) =>
            pulledGauge(registry, `cocoon_settler_${name}`, help, read);
        gauge('last_success_timestamp_seconds', 'End of the last round without a failure', () => this.lastGoodSec);
        gauge('outstanding_nanoton', 'Owed on the chain’s terms and not settled, at the last round', () =>
            nanoAsNumber(this.outstandingNano),
        );
        gauge(
            'held_lines',
            'Lines that the chain passed over, kept back until something changes',
            () => this.last?.held,
        );
    }

    took(round: ObservedRound, seconds: number): void {
        const { failures, unreadableLogs } = round;
        const ofBatches = failures.filter((code) => !unreadableLogs.some((log) => log.code === code));
        // Its income waits as long as it can't be read, and nobody may hear of it otherwise.
        const problems = (round.skipped['escrow_unreadable'] ?? 0) > 0 ? [...failures, 'escrow_unreadable'] : failures;
        this.last = round;
        this.overtaken.inc(round.overtaken);
        this.rounds.inc({ outcome: problems.length === 0 ? 'good' : 'partial' });
        this.seconds.observe(seconds);
        this.batches.inc({ outcome: 'settled' }, Math.max(0, round.batches - ofBatches.length));
        for (const outcome of ofBatches) this.batches.inc({ outcome });
        this.lines.inc(round.lines);
        if (round.settledNano > 0n) this.settled.inc(nanoAsNumber(round.settledNano));
        if (round.costNano > 0n) this.cost.inc(nanoAsNumber(round.costNano));
        this.outstandingNano = round.outstandingNano;
        this.lastFailures = problems;
        this.failuresInARow = problems.length === 0 ? 0 : this.failuresInARow + 1;
        if (problems.length === 0) this.lastGoodSec = Date.now() / 1000;
    }

    /** One round may fail where another settler was first or an endpoint hiccups; several mean that something is wrong. */
    get problem(): string | null {
        if (this.failuresInARow < failuresToTell) return null;
        const codes = [...new Set(this.lastFailures)].join(', ');
        return `the last ${this.failuresInARow} rounds had failures: ${codes}`;
    }

    get lastRound(): object {
        return {
            lastSuccessAt: this.lastGoodSec === undefined ? null : new Date(this.lastGoodSec * 1000).toISOString(),
            outstandingNano: this.outstandingNano?.toString() ?? null,
            failuresInARow: this.failuresInARow,
            lastFailures: this.lastFailures,
            unreadableLogs: this.last?.unreadableLogs.map(({ code, message }) => `${message} (${code})`) ?? [],
            heldLines: this.last?.held ?? 0,
            deferred: this.last?.deferred ?? {},
            skipped: this.last?.skipped ?? {},
        };
    }

    /** Of a round that came to no end. */
    failed(code: string, seconds: number): void {
        this.failuresInARow += 1;
        this.lastFailures = [code];
        this.rounds.inc({ outcome: 'failed' });
        this.seconds.observe(seconds);
    }
}

/** Where a role settles beside its work: what fails is shown, and is no reason to take none. */
export function watchOwnSettling(telemetry: RoleTelemetry, metrics: SettlerMetrics): void {
    telemetry.readiness.addWarning('settling_fails', () => metrics.problem);
    telemetry.addStatus('settler', () => metrics.lastRound);
}
