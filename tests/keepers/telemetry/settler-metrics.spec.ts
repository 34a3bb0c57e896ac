import { Registry } from 'prom-client';
import { type ObservedRound, SettlerMetrics, watchOwnSettling } from '../../../keepers/telemetry';
import { watchedRole } from './role-telemetry';

const missing = { code: 'log_missing', message: '/data/node-2.jsonl is not there' };
const round = (over: Partial<ObservedRound>): ObservedRound => ({
    batches: 2,
    lines: 3,
    settledNano: 5n,
    costNano: 1n,
    outstandingNano: 0n,
    skipped: {},
    failures: [],
    unreadableLogs: [],
    held: 0,
    deferred: {},
    overtaken: 0,
    ...over,
});

function watched() {
    const registry = new Registry();
    return { registry, metrics: new SettlerMetrics(registry) };
}

test('rounds that failed are told with the codes of the last one, in the state and as the reason of not being ready', () => {
    const { metrics } = watched();
    for (const code of ['rpc_timeout', 'rpc_timeout', 'insufficient_gas_money']) {
        expect(metrics.problem).toBeNull();
        metrics.failed(code, 0.1);
    }
    expect(metrics.lastRound).toMatchObject({ failuresInARow: 3, lastFailures: ['insufficient_gas_money'] });
    expect(metrics.problem).toBe('the last 3 rounds had failures: insufficient_gas_money');
});

test('a log that can not be read is a failure of the round, shown with its file, and no refused settlement', async () => {
    const { metrics, registry } = watched();
    for (let i = 0; i < 3; i++) metrics.took(round({ failures: ['log_missing'], unreadableLogs: [missing] }), 0.1);
    expect(metrics.lastRound).toMatchObject({
        lastSuccessAt: null,
        lastFailures: ['log_missing'],
        unreadableLogs: ['/data/node-2.jsonl is not there (log_missing)'],
    });
    expect(metrics.problem).toContain('log_missing');
    const text = await registry.metrics();
    expect(text).toContain('cocoon_settler_batches_total{outcome="settled"} 6');
    expect(text).not.toContain('outcome="log_missing"');
    metrics.took(round({}), 0.1);
    expect([metrics.problem, metrics.lastRound]).toMatchObject([null, { unreadableLogs: [] }]);
});

test('a role that settles beside its work shows what fails, and takes work all the same', async () => {
    const { telemetry } = watchedRole('node');
    const metrics = new SettlerMetrics(telemetry.registry);
    watchOwnSettling(telemetry, metrics);
    telemetry.readiness.started();
    for (let i = 0; i < 3; i++) metrics.failed('rpc_timeout', 0.1);
    expect(await telemetry.status()).toMatchObject({
        ready: true,
        warnings: [{ reason: 'settling_fails' }],
        settler: { lastFailures: ['rpc_timeout'] },
    });
});
