import { statSync } from 'node:fs';
import type { Registry } from 'prom-client';
import { batchSizes, commitSeconds, counter, histogram, nanoAsNumber, pulledGauge } from '../instruments';
import { Sampler } from '../sampler';
import type { RoleTelemetry } from '../telemetry';

/** A ledger that fails in every commit for this long is no hiccup. */
const failingAfterMs = 10_000;

/** How a ledger writes. */
export class LedgerMetrics {
    private readonly seconds;
    private readonly operations;
    private readonly failures;
    private failingSinceMs: number | undefined;

    constructor(registry: Registry) {
        this.seconds = histogram(
            registry,
            'cocoon_ledger_commit_duration_seconds',
            'A transaction of the ledger, its sync to disk included',
            commitSeconds,
        );
        this.operations = histogram(
            registry,
            'cocoon_ledger_commit_operations',
            'Operations that shared one transaction',
            batchSizes,
        );
        this.failures = counter(registry, 'cocoon_ledger_commit_failures_total', 'Transactions that failed');
    }

    /** As the ledger's own options take them. */
    readonly hooks = {
        onCommit: (tookMs: number, operations: number): void => {
            this.seconds.observe(tookMs / 1000);
            this.operations.observe(operations);
            this.failingSinceMs = undefined;
        },
        onCommitFailure: (): void => {
            this.failures.inc();
            this.failingSinceMs ??= Date.now();
        },
    };

    /** Null while it writes. */
    get problem(): string | null {
        if (this.failingSinceMs === undefined || Date.now() - this.failingSinceMs < failingAfterMs) return null;
        return `nothing could be written since ${new Date(this.failingSinceMs).toISOString()}: see disk and log`;
    }
}

export interface WatchedDispatchLedger {
    /** What the chain has not paid yet. */
    unsettled(): Promise<{ streams: number; owedNano: bigint; oldestAtMs: number | null }>;
}

/** A sum over the whole ledger; nobody needs it more often. */
const unsettledIntervalMs = 30_000;

/** The ledger of what providers are owed: its size, what is outstanding, and since when. */
export function watchDispatchLedger(
    telemetry: RoleTelemetry,
    ledger: WatchedDispatchLedger,
    { file, metrics }: { file: string | undefined; metrics: LedgerMetrics },
): void {
    const unsettled = telemetry.addSampler(
        new Sampler({ read: () => ledger.unsettled(), intervalMs: unsettledIntervalMs, staleAfterMs: 300_000 }),
    );
    const gauge = (name: string, help: string, read: () => number | undefined) =>
        pulledGauge(telemetry.registry, `cocoon_ledger_${name}`, help, read);
    gauge('outstanding_nanoton', 'What receipts and caps in the ledger give and the chain has not paid', () =>
        nanoAsNumber(unsettled.value?.owedNano),
    );
    gauge(
        'outstanding_streams',
        'Accounts of a node at an escrow with something outstanding',
        () => unsettled.value?.streams,
    );
    gauge('oldest_unsettled_timestamp_seconds', 'When the oldest receipt came that is not paid in full', () => {
        const atMs = unsettled.value?.oldestAtMs;
        return atMs === null || atMs === undefined ? undefined : atMs / 1000;
    });
    if (file !== undefined) watchLedgerFile(telemetry, file);
    telemetry.readiness.add('ledger_failing', () => metrics.problem);
    telemetry.addStatus('ledger', () => ({
        outstandingNano: unsettled.value?.owedNano.toString() ?? null,
        outstandingStreams: unsettled.value?.streams ?? null,
        oldestUnsettledAtMs: unsettled.value?.oldestAtMs ?? null,
        problem: metrics.problem ?? unsettled.problem,
    }));
}

/** Size of a ledger in a file of its own, and the room on its disk. */
export function watchLedgerFile(telemetry: RoleTelemetry, file: string): void {
    telemetry.addVolume('ledger', file);
    pulledGauge(telemetry.registry, 'cocoon_ledger_size_bytes', 'The ledger’s file with its log of writes', () =>
        [file, `${file}-wal`].reduce((sum, one) => sum + (statSync(one, { throwIfNoEntry: false })?.size ?? 0), 0),
    );
}
