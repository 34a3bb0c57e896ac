import { chainClientOf, ChainWallet, NetworkReader, readPinnedDeployment, walletKeyFromSeed } from '../chain';
import type { Logger } from '../base';
import { readSeedFile, type SettlerConfig } from '../config';
import { DispatchLedger } from '../ledger';
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
            close();
        },
    };
}

export async function openSettler(
    config: SettlerConfig,
    logger: Logger,
): Promise<{ service: SettlerService; close: () => void }> {
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const client = chainClientOf(config.chain);
    const ledger = config.ledgerFile === undefined ? undefined : new DispatchLedger({ file: config.ledgerFile });
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
    return { service, close: () => ledger?.close() };
}
