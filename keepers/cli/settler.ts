import { chainClientOf, ChainWallet, NetworkReader, readPinnedDeployment, walletKeyFromSeed } from '../chain';
import type { Logger } from '../base';
import { readSeedFile, type SettlerConfig } from '../config';
import { openDispatchLedger } from '../ledger';
import { SettlerService } from '../settlement';
import type { RunningRole } from './roles';

/** Composition root of the settler process. */
export async function startSettler(config: SettlerConfig, logger: Logger): Promise<RunningRole> {
    const { service, close } = await openSettler(config, logger);
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
): Promise<{ service: SettlerService; close: () => Promise<void> }> {
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const client = chainClientOf(config.chain);
    const ledger = config.ledgerFile === undefined ? undefined : await openDispatchLedger({ file: config.ledgerFile });
    const service = new SettlerService({
        client,
        reader: new NetworkReader({ client, registry: deployment.registry }),
        wallet: new ChainWallet({
            client,
            key: walletKeyFromSeed(readSeedFile(config.gasWalletFile)),
            pollIntervalMs: config.chain.pollIntervalMs,
        }),
        hub: config.hub,
        ledger,
        nodeLogFiles: config.nodeLogFile === undefined ? [] : [config.nodeLogFile],
        intervalMs: config.intervalMs,
        minValueToCostRatio: config.minValueToCostRatio,
        logger,
    });
    return { service, close: async () => ledger?.close() };
}
