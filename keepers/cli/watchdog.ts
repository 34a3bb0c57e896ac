import { z } from 'zod';
import { createLogger, type Logger, systemClock } from '../base';
import { loadConfig, type SettlerConfig, type WatchdogConfig } from '../config';
import { SettlerService } from '../settlement';
import { type RoleTelemetry, SettlerMetrics, watchOwnSettling, watchWatchdog } from '../telemetry';
import { KeyHistoryFile, type KeyHistoryStore, WatchdogService } from '../watchdog';
import type { RoleOptions, RunningRole } from './roles';
import { openSettlingKeeper, type SettlingKeeper, watchSender } from './settling-keeper';

/** Composition root of the watchdog process: the watch, and settling where a deadline presses. */
export async function startWatchdog(
    config: WatchdogConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningRole> {
    const keeper = await openSettlingKeeper(config, logger);
    const watchdog = watchdogOf(keeper, config, { logger });
    const settler = lastMinuteSettler(keeper, config, { logger, telemetry });
    watchSender(telemetry, keeper, config);
    addWatch(telemetry, watchdog);
    watchdog.start();
    settler?.start();
    return {
        facts: { hub: config.hub.toString() },
        stop: async () => {
            await Promise.all([watchdog.stop(), settler?.stop()]);
            await keeper.close();
        },
    };
}

/** One look, whose acts are only named. Prints one JSON object. */
export async function runWatchdogDryRun(options: RoleOptions): Promise<void> {
    const config = loadConfig('watchdog', { file: options.config });
    const logger = createLogger({ name: 'watchdog', level: config.logLevel });
    const keeper = await openSettlingKeeper(config, logger);
    try {
        const summary = await watchdogOf(keeper, config, { logger, dryRun: true }).watchOnce();
        console.log(JSON.stringify({ ...summary, costNano: summary.costNano.toString() }));
    } finally {
        await keeper.close();
    }
}

export function watchdogOf(
    { deployment, client, reader, ledger, sender }: SettlingKeeper,
    config: SettlerConfig | WatchdogConfig,
    { logger, dryRun }: { logger: Logger; dryRun?: boolean },
): WatchdogService {
    const { hub, nodeLogFiles, maxFeePerDayNano, watch } = config;
    const { registry } = deployment;
    const place = { client, reader, sender, registry, hub, ledger, nodeLogFiles };
    const keyHistory = keyHistoryOf(config, logger);
    const limits = { maxFeePerDayNano, dryRun };
    return new WatchdogService({ ...place, ...watch!, ...limits, keyHistory, clock: systemClock, logger });
}

function keyHistoryOf(config: SettlerConfig | WatchdogConfig, logger: Logger): KeyHistoryStore | undefined {
    const { hub, watch, ledgerFile, outboxFile, nodeLogFiles } = config;
    const beside = ledgerFile ?? outboxFile ?? nodeLogFiles[0];
    const file = watch?.keysFile ?? (beside === undefined ? undefined : `${beside}.node-keys.json`);
    if (file !== undefined) return new KeyHistoryFile({ file, hub, logger });
    logger.warn(
        'watch.keysFile is not set: a restart forgets keys that the hub has forgotten, and what could slash them',
    );
    return undefined;
}

export function addWatch(telemetry: RoleTelemetry, watchdog: WatchdogService): void {
    watchWatchdog(telemetry, watchdog.counters);
    telemetry.addAct('watch', {
        description: 'look at the hub now, and act on what is found',
        body: z.strictObject({}),
        run: async () => {
            const summary = await watchdog.watchOnce();
            return { ...summary, costNano: summary.costNano.toString() };
        },
    });
}

/** Whoever else settles: what a close or an expiry is about to end is settled, whatever its size, if it is worth its cost. */
function lastMinuteSettler(
    { client, reader, sender, ledger }: SettlingKeeper,
    config: WatchdogConfig,
    { logger, telemetry }: { logger: Logger; telemetry: RoleTelemetry },
): SettlerService | null {
    const { hub, nodeLogFiles, maxFeePerSettlementNano, maxFeePerDayNano, watch } = config;
    if (ledger === undefined && nodeLogFiles.length === 0) return null;
    const limits = { maxFeePerSettlementNano, maxFeePerDayNano, deadlinesOnly: true };
    const metrics = new SettlerMetrics(telemetry.registry);
    watchOwnSettling(telemetry, metrics);
    const place = { client, reader, sender, hub, ledger, nodeLogFiles };
    return new SettlerService({ ...place, ...limits, intervalMs: watch.intervalMs, metrics, logger });
}
