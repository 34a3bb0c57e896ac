import { z } from 'zod';
import { chainClientOf, ChainWallet, NetworkReader, readPinnedDeployment, walletKeyFromSeed } from '../chain';
import type { Logger } from '../base';
import { readSeedFile, type SettlerConfig } from '../config';
import { openDispatchLedger } from '../ledger';
import { type SettlementSummary, SettlerService } from '../settlement';
import { type RoleTelemetry, SettlerMetrics, watchGasWallet } from '../telemetry';
import type { RunningRole } from './roles';

/** Composition root of the settler process. */
export async function startSettler(
    config: SettlerConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningRole> {
    const metrics = new SettlerMetrics(telemetry.registry);
    const { service, wallet, close } = await openSettler(config, logger, metrics);
    watchSettler({ service, wallet, metrics, telemetry });
    service.start();
    return {
        facts: { hub: config.hub.toString() },
        stop: async () => {
            await service.stop();
            await close();
        },
    };
}

export async function openSettler(
    config: SettlerConfig,
    logger: Logger,
    metrics?: SettlerMetrics,
): Promise<{ service: SettlerService; wallet: ChainWallet; close: () => Promise<void> }> {
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const client = chainClientOf(config.chain);
    const ledger = config.ledgerFile === undefined ? undefined : await openDispatchLedger({ file: config.ledgerFile });
    const wallet = new ChainWallet({
        client,
        key: walletKeyFromSeed(readSeedFile(config.gasWalletFile)),
        pollIntervalMs: config.chain.pollIntervalMs,
    });
    const service = new SettlerService({
        client,
        reader: new NetworkReader({ client, registry: deployment.registry }),
        wallet,
        hub: config.hub,
        ledger,
        nodeLogFiles: config.nodeLogFile === undefined ? [] : [config.nodeLogFile],
        intervalMs: config.intervalMs,
        minValueToCostRatio: config.minValueToCostRatio,
        metrics,
        logger,
    });
    return { service, wallet, close: async () => ledger?.close() };
}

/** A batch of ten lines asks for about half a TON and gives most of it back. */
const lowGasNano = 1_000_000_000n;

function watchSettler(of: {
    service: SettlerService;
    wallet: ChainWallet;
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
