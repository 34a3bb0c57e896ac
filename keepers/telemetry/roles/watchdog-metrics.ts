import { nanoAsNumber, pulledCounters, pulledGauge } from '../instruments';
import type { RoleTelemetry } from '../telemetry';

/** Sums of a watchdog since its start, and what its last round found. */
export interface WatchedWatchdog {
    readonly rounds: number;
    readonly failures: number;
    readonly failuresInARow: number;
    readonly lastGoodAtMs: number | null;
    readonly acts: Readonly<Record<string, number>>;
    readonly waiting: number;
    readonly costNano: bigint;
    readonly contradictions: number;
    readonly stuckEscrows: number;
    readonly unreadableEscrows: number;
}

const failuresToTell = 3;

/** What a watchdog did, and what it found that somebody should know. */
export function watchWatchdog(telemetry: RoleTelemetry, watchdog: WatchedWatchdog): void {
    const { registry } = telemetry;
    pulledCounters(
        registry,
        { name: 'cocoon_watchdog_rounds_total', help: 'Looks at the hub, by outcome', label: 'outcome' },
        () => [
            ['good', watchdog.rounds],
            ['failed', watchdog.failures],
        ],
    );
    pulledCounters(
        registry,
        { name: 'cocoon_watchdog_acts_total', help: 'What the chain was told and took, by kind', label: 'kind' },
        () => Object.entries(watchdog.acts),
    );
    const gauge = (name: string, help: string, read: () => number | undefined) =>
        pulledGauge(registry, `cocoon_watchdog_${name}`, help, () => (watchdog.rounds === 0 ? undefined : read()));
    gauge('gas_nanoton', 'What the wallet lost by watching since the start', () => nanoAsNumber(watchdog.costNano));
    gauge('contradictions', 'Pairs of receipts in the ledger that exclude each other', () => watchdog.contradictions);
    gauge('waiting_acts', 'Acts that the chain refused before, or the day’s gas forbids', () => watchdog.waiting);
    gauge('stuck_escrows', 'Escrows whose charge waits for its acknowledgement', () => watchdog.stuckEscrows);
    gauge('unreadable_escrows', 'Escrows that could not be read at the last look', () => watchdog.unreadableEscrows);
    gauge('last_success_timestamp_seconds', 'End of the last look without a failure', () =>
        watchdog.lastGoodAtMs === null ? undefined : watchdog.lastGoodAtMs / 1000,
    );
    telemetry.readiness.addWarning('watching_fails', () =>
        watchdog.failuresInARow < failuresToTell
            ? null
            : `the last ${watchdog.failuresInARow} looks at the hub failed: see the log`,
    );
    telemetry.addStatus('watchdog', () => ({ ...watchdog, costNano: watchdog.costNano.toString() }));
}
