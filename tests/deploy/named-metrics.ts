import { silentLogger } from '../../keepers/base';
import {
    DispatcherMetrics,
    GatewayMetrics,
    LedgerMetrics,
    NodeMetrics,
    RegistrarMetrics,
    RoleTelemetry,
    SettlerMetrics,
    watchCertificate,
    watchChain,
    watchDispatchLedger,
    watchGasWallet,
    watchLeases,
    watchOutbox,
    watchRetention,
    watchWatchdog,
} from '../../keepers/telemetry';

/** Everything that any role shows, in one registry: names that clash would throw here. */
async function everyRole<Result>(read: (telemetry: RoleTelemetry) => Promise<Result>): Promise<Result> {
    const telemetry = new RoleTelemetry({ role: 'all', version: '0', logger: silentLogger() });
    const { registry } = telemetry;
    const wallet = { address: 'nobody', getBalanceNano: () => Promise.resolve(0n) };
    new GatewayMetrics(registry).watch({
        trustedNodes: () => 0,
        refusedNodes: () => [],
        sums: () => ({ spentNano: 0n, reservedNano: 0n }),
        escrowNano: () => 0n,
        sessionEndSec: () => 0,
    });
    new DispatcherMetrics(registry).watch({ inFlight: 0, waiting: 0, connectedNodes: 0 });
    new NodeMetrics(registry).watch({
        inFlight: () => 0,
        connected: () => true,
        engineReady: () => true,
        keyNotAfterSec: () => 0,
        offerExpiresAtSec: () => 0,
    });
    new SettlerMetrics(registry);
    new RegistrarMetrics(registry);
    watchGasWallet(telemetry, wallet, 1n);
    watchOutbox(telemetry, {
        outbox: { openByKind: () => Promise.resolve([]) },
        counters: { closed: new Map(), resigned: 0 },
    });
    watchCertificate(telemetry, () => 0);
    watchRetention(telemetry, { lastRunAtMs: null, problem: null, deleted: new Map() });
    watchLeases(telemetry, { list: () => Promise.resolve({ nowMs: 0, leases: [] }) });
    watchWatchdog(telemetry, {
        rounds: 0,
        failures: 0,
        failuresInARow: 0,
        lastGoodAtMs: null,
        acts: {},
        waiting: 0,
        costNano: 0n,
        contradictions: 0,
        stuckEscrows: 0,
        unreadableEscrows: 0,
    });
    const chain = {
        mode: 'normal' as const,
        reasons: [],
        degradations: 0,
        globalVersion: 12,
        operators: 1,
        endpoints: [],
    };
    watchChain(telemetry, { status: () => chain });
    const unsettled = () => Promise.resolve({ streams: 0, owedNano: 0n, oldestAtMs: null });
    watchDispatchLedger(telemetry, { unsettled }, { file: 'ledger', metrics: new LedgerMetrics(registry) });
    try {
        return await read(telemetry);
    } finally {
        await telemetry.close();
    }
}

/** Name and type of every metric. */
export async function namedMetrics(): Promise<Map<string, string>> {
    return everyRole(async ({ registry }) => {
        const metrics = await registry.getMetricsAsJSON();
        return new Map(metrics.map(({ name, type }) => [name, String(type)]));
    });
}

/** Names of the labels of every metric. */
export async function labelsOfMetrics(): Promise<Map<string, readonly string[]>> {
    return everyRole(async ({ registry }) => {
        const metrics = registry.getMetricsAsArray() as unknown as { name: string; labelNames: readonly string[] }[];
        return new Map(metrics.map(({ name, labelNames }) => [name, labelNames]));
    });
}
