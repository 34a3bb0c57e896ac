import { z } from 'zod';
import {
    chainClientOf,
    type ChainHealth,
    type KeeperWallet,
    NetworkReader,
    readPinnedDeployment,
    walletKeyFromSeed,
} from '../chain';
import type { Logger } from '../base';
import { ledgerPlaceOf, readSeedFile, type SettlerConfig } from '../config';
import { type DispatchLedger, openDispatchLedger } from '../ledger';
import { openSender } from '../outbox';
import { type SettlementSummary, SettlerService } from '../settlement';
import {
    LedgerMetrics,
    type RoleTelemetry,
    SettlerMetrics,
    watchChain,
    watchDispatchLedger,
    watchGasWallet,
} from '../telemetry';
import type { RunningRole } from './roles';

/** Composition root of the settler process. */
export async function startSettler(
    config: SettlerConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningRole> {
    const metrics = { settler: new SettlerMetrics(telemetry.registry), ledger: new LedgerMetrics(telemetry.registry) };
    const { service, wallet, chain, ledger, close } = await openSettler(config, logger, metrics);
    watchChain(telemetry, chain);
    if (ledger !== undefined)
        watchDispatchLedger(telemetry, ledger, { file: config.ledgerFile, metrics: metrics.ledger });
    watchSettler({ service, wallet, metrics: metrics.settler, telemetry });
    service.start();
    return {
        facts: { hub: config.hub.toString() },
        stop: async () => {
            await service.stop();
            await close();
        },
    };
}

export interface OpenSettler {
    service: SettlerService;
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
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const client = chainClientOf(config.chain, { logger, kind: deployment.kind });
    const place = ledgerPlaceOf(config);
    const ledger = place && (await openDispatchLedger({ ...place, ...metrics?.ledger.hooks }));
    const { sender, close } = openSender({
        client,
        key: walletKeyFromSeed(readSeedFile(config.gasWalletFile)),
        kind: config.gasWalletKind,
        pollIntervalMs: config.chain.pollIntervalMs,
        outbox: ledger?.outbox ?? { file: config.outboxFile ?? `${config.nodeLogFiles[0]}.settler-outbox.sqlite` },
    });
    const service = new SettlerService({
        client,
        reader: new NetworkReader({ client, registry: deployment.registry }),
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
    const closeAll = async () => {
        await close();
        await ledger?.close();
        await client.close();
    };
    return { service, wallet: sender.wallet, chain: client.health, ledger, close: closeAll };
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
