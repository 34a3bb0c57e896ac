import { z } from 'zod';
import type { ChainHealth, KeeperWallet } from '../chain';
import type { Logger } from '../base';
import type { SettlerConfig } from '../config';
import type { DispatchLedger } from '../ledger';
import { type SettlementSummary, SettlerService } from '../settlement';
import {
    LedgerMetrics,
    type RoleTelemetry,
    SettlerMetrics,
    watchChain,
    watchDispatchLedger,
    watchGasWallet,
} from '../telemetry';
import type { WatchdogService } from '../watchdog';
import type { RunningRole } from './roles';
import { openSettlingKeeper } from './settling-keeper';
import { addWatch, watchdogOf } from './watchdog';

/** Composition root of the settler process. */
export async function startSettler(
    config: SettlerConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningRole> {
    const metrics = { settler: new SettlerMetrics(telemetry.registry), ledger: new LedgerMetrics(telemetry.registry) };
    const { service, watchdog, wallet, chain, ledger, close } = await openSettler(config, logger, metrics);
    watchChain(telemetry, chain);
    if (ledger !== undefined)
        watchDispatchLedger(telemetry, ledger, { file: config.ledgerFile, metrics: metrics.ledger });
    watchSettler({ service, wallet, metrics: metrics.settler, telemetry });
    service.start();
    if (watchdog) addWatch(telemetry, watchdog);
    watchdog?.start();
    return {
        facts: { hub: config.hub.toString() },
        stop: async () => {
            await Promise.all([service.stop(), watchdog?.stop()]);
            await close();
        },
    };
}

export interface OpenSettler {
    service: SettlerService;
    /** Where the configuration asks for one. */
    watchdog: WatchdogService | undefined;
    wallet: KeeperWallet;
    chain: ChainHealth;
    /** Absent where it settles from the log of a node. */
    ledger: DispatchLedger | undefined;
    close: () => Promise<void>;
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
    return { service, watchdog, wallet: sender.wallet, chain: client.health, ledger, close: keeper.close };
}

/** A batch of ten lines asks for about half a TON and gives most of it back. */
const lowGasNano = 1_000_000_000n;

function watchSettler(of: {
    service: SettlerService;
    wallet: KeeperWallet;
    metrics: SettlerMetrics;
    telemetry: RoleTelemetry;
}): void {
    const { service, wallet, metrics, telemetry } = of;
    watchGasWallet(telemetry, wallet, lowGasNano);
    telemetry.readiness.add('settling_fails', () => metrics.problem);
    telemetry.addStatus('settler', () => metrics.lastRound);
    telemetry.addAct('settle', {
        description: 'a round of settling now; with {"force":true} also what is worth less than its gas',
        body: z.strictObject({ force: z.boolean().default(false) }),
        run: async ({ force }) => asJson(await service.settleOnce({ force })),
    });
}

function asJson({ settledNano, costNano, outstandingNano, ...rest }: SettlementSummary): object {
    return {
        ...rest,
        settledNano: settledNano.toString(),
        costNano: costNano.toString(),
        outstandingNano: outstandingNano.toString(),
    };
}
