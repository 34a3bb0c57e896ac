import { pulledCounters, pulledGauge, pulledGauges } from '../instruments';
import type { RoleTelemetry } from '../telemetry';

/** What a role's access to the chain says of itself. */
export interface WatchedChain {
    status(): {
        mode: 'normal' | 'degraded';
        reasons: readonly string[];
        degradations: number;
        globalVersion: number | null;
        operators: number;
        endpoints: readonly WatchedEndpoint[];
    };
}

interface WatchedEndpoint {
    /** Host: as many as the settings name. */
    origin: string;
    state: string;
    calls: number;
    failures: number;
    disagreements: number;
    latencyMs: number | null;
    headTimeSec: number | null;
}

/** Every endpoint by itself, and what they come to together. */
export function watchChain(telemetry: RoleTelemetry, chain: WatchedChain): void {
    const { registry } = telemetry;
    const of = (read: (endpoint: WatchedEndpoint) => number | null) => () =>
        chain.status().endpoints.flatMap((endpoint) => {
            const value = read(endpoint);
            return value === null ? [] : [[endpoint.origin, value] as const];
        });
    const gauges = (name: string, help: string, read: (endpoint: WatchedEndpoint) => number | null) =>
        pulledGauges(registry, { name: `cocoon_chain_endpoint_${name}`, help, label: 'endpoint' }, of(read));
    const counters = (name: string, help: string, read: (endpoint: WatchedEndpoint) => number) =>
        pulledCounters(registry, { name: `cocoon_chain_endpoint_${name}`, help, label: 'endpoint' }, of(read));
    gauges('healthy', '1 while the endpoint is well', ({ state }) => Number(state === 'healthy'));
    gauges('latency_seconds', 'Of its last good call', ({ latencyMs }) => latencyMs && latencyMs / 1000);
    gauges('head_timestamp_seconds', 'Time of the newest block that it showed', ({ headTimeSec }) => headTimeSec);
    counters('calls_total', 'Calls to the endpoint', ({ calls }) => calls);
    counters('failures_total', 'Calls that failed', ({ failures }) => failures);
    counters('disagreements_total', 'Answers that another endpoint contradicts', ({ disagreements }) => disagreements);
    pulledGauges(
        registry,
        { name: 'cocoon_chain_degraded', help: '1 for each reason why nothing new is trusted', label: 'reason' },
        () => chain.status().reasons.map((reason) => [reason, 1] as const),
    );
    pulledGauge(
        registry,
        'cocoon_chain_operators',
        'Operators of endpoints; with one, it is believed',
        () => chain.status().operators,
    );
    pulledGauge(
        registry,
        'cocoon_chain_global_version',
        'Version of TON in force (config parameter 8)',
        () => chain.status().globalVersion ?? undefined,
    );
    telemetry.readiness.add('chain_degraded', () => {
        const { mode, reasons } = chain.status();
        return mode === 'degraded' ? `access to the chain is degraded (${reasons.join(', ')})` : null;
    });
    telemetry.addStatus('chain', () => {
        const { mode, reasons, globalVersion, operators, endpoints } = chain.status();
        const states = endpoints.map(({ origin, state }) => [origin, state]);
        return { mode, reasons, globalVersion, operators, endpoints: Object.fromEntries(states) as object };
    });
}
