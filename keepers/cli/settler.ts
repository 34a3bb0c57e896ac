import { z } from 'zod';
import type { Logger } from '../base';
import type { SettlerConfig } from '../config';
import { type SettlerReport, SettlerService } from '../settlement';
import { LedgerMetrics, type RoleTelemetry, SettlerMetrics, watchDispatchLedger, watchLeases } from '../telemetry';
import type { WatchdogService } from '../watchdog';
import type { RunningRole } from './roles';
import { openSettlingKeeper, type SettlingKeeper, watchSender } from './settling-keeper';
import { addWatch, watchdogOf } from './watchdog';

/** Composition root of the settler process. */
export async function startSettler(
    config: SettlerConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningRole> {
    const metrics = { settler: new SettlerMetrics(telemetry.registry), ledger: new LedgerMetrics(telemetry.registry) };
    const { service, watchdog, keeper } = await openSettler(config, logger, metrics);
    const { ledger } = keeper;
    watchSender(telemetry, keeper, config);
    if (ledger !== undefined) {
        watchDispatchLedger(telemetry, ledger, { file: config.ledgerFile, metrics: metrics.ledger });
        watchLeases(telemetry, ledger.leases);
    }
    watchSettler({ service, metrics: metrics.settler, telemetry });
    service.start();
    if (watchdog) addWatch(telemetry, watchdog);
    watchdog?.start();
    return {
        facts: { hub: config.hub.toString() },
        stop: async () => {
            await Promise.all([service.stop(), watchdog?.stop()]);
            await keeper.close();
        },
    };
}

export interface OpenSettler {
    service: SettlerService;
    /** Where the configuration asks for one. */
    watchdog: WatchdogService | undefined;
    keeper: SettlingKeeper;
}

export async function openSettler(
    config: SettlerConfig,
    logger: Logger,
    metrics?: { settler: SettlerMetrics; ledger: LedgerMetrics },
): Promise<OpenSettler> {
    const keeper = await openSettlingKeeper(config, logger, metrics?.ledger);
    const { client, reader, sender, ledger } = keeper;
    const service = new SettlerService({
        client,
        reader,
        sender,
        hub: config.hub,
        ledger,
        nodeLogFiles: config.nodeLogFiles,
        intervalMs: config.intervalMs,
        minValueToCostRatio: config.minValueToCostRatio,
        maxFeePerSettlementNano: config.maxFeePerSettlementNano,
        maxFeePerDayNano: config.maxFeePerDayNano,
        metrics: metrics?.settler,
        logger,
    });
    const watchdog = config.watch && watchdogOf(keeper, config, { logger });
    return { service, watchdog, keeper };
}

function watchSettler(of: { service: SettlerService; metrics: SettlerMetrics; telemetry: RoleTelemetry }): void {
    const { service, metrics, telemetry } = of;
    telemetry.readiness.add('settling_fails', () => metrics.problem);
    telemetry.addStatus('settler', () => metrics.lastRound);
    telemetry.addAct('settle', {
        description: 'a round of settling now; with {"force":true} also what is worth less than its gas',
        body: z.strictObject({ force: z.boolean().default(false) }),
        run: async ({ force }) => asJson(await service.settleOnce({ force })),
    });
}

function asJson({ settledNano, costNano, outstandingNano, ...rest }: SettlerReport): object {
    return {
        ...rest,
        settledNano: settledNano.toString(),
        costNano: costNano.toString(),
        outstandingNano: outstandingNano.toString(),
    };
}
