import { pulledCounters, pulledGauge } from '../instruments';
import type { RoleTelemetry } from '../telemetry';

/** What a store's retention has done, as its job tells. */
export interface WatchedRetention {
    readonly lastRunAtMs: number | null;
    readonly problem: string | null;
    readonly deleted: ReadonlyMap<string, number>;
}

/** That the store of this role does not grow for ever. */
export function watchRetention(telemetry: RoleTelemetry, retention: WatchedRetention): void {
    const watchedSinceMs = Date.now();
    pulledGauge(
        telemetry.registry,
        'cocoon_retention_last_run_timestamp_seconds',
        'When what is old and closed was last deleted; the start of the role before the first time',
        () => (retention.lastRunAtMs ?? watchedSinceMs) / 1000,
    );
    pulledCounters(
        telemetry.registry,
        { name: 'cocoon_retention_deleted_total', help: 'What was deleted because of its age', label: 'kind' },
        () => retention.deleted,
    );
    telemetry.addStatus('retention', () => ({
        lastRunAtMs: retention.lastRunAtMs,
        problem: retention.problem,
        deleted: Object.fromEntries(retention.deleted),
    }));
}
