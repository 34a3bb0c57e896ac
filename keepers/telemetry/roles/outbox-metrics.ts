import { pulledCounters, pulledGauge, pulledGauges } from '../instruments';
import { Sampler } from '../sampler';
import type { RoleTelemetry } from '../telemetry';

export interface WatchedOutbox {
    /** Open intents by kind, and since when the oldest of each is. */
    openByKind(): Promise<readonly { kind: string; count: number; oldestAtMs: number }[]>;
}

export interface WatchedSender {
    readonly outbox: WatchedOutbox;
    readonly counters: {
        /** Intents closed by this process: `confirmed`, or the code with which they were abandoned. */
        closed: ReadonlyMap<string, number>;
        /** Requests signed anew for an intent, because an earlier one had become impossible. */
        resigned: number;
    };
}

const intervalMs = 30_000;

/** Messages to the chain: what is open and since when, what came of the others. */
export function watchOutbox(telemetry: RoleTelemetry, { outbox, counters }: WatchedSender): void {
    const { registry } = telemetry;
    const open = telemetry.addSampler(new Sampler({ read: () => outbox.openByKind(), intervalMs }));
    const ages = () => (open.value ?? []).map(({ oldestAtMs }) => oldestAtMs);
    pulledGauges(
        registry,
        {
            name: 'cocoon_outbox_open_intents',
            help: 'Messages recorded and not closed by the chain yet',
            label: 'kind',
        },
        () => (open.value ?? []).map(({ kind, count }) => [kind, count] as const),
    );
    pulledGauge(
        registry,
        'cocoon_outbox_oldest_open_timestamp_seconds',
        'When the oldest open message was recorded',
        () => (ages().length === 0 ? undefined : Math.min(...ages()) / 1000),
    );
    pulledCounters(
        registry,
        { name: 'cocoon_outbox_closed_total', help: 'Messages closed by what the chain shows', label: 'outcome' },
        () => counters.closed,
    );
    pulledCounters(
        registry,
        {
            name: 'cocoon_outbox_resigned_total',
            help: 'Messages signed again, the earlier ones being void',
            label: 'reason',
        },
        () => [['void', counters.resigned] as const],
    );
    telemetry.addStatus('outbox', () => ({
        open: open.value ?? null,
        closed: Object.fromEntries(counters.closed),
        resigned: counters.resigned,
        problem: open.problem,
    }));
}
