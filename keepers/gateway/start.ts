import { NrasClient, nvidiaRootPublicKey } from '../attestation';
import { chainClientOf, type Deployment, hubOf, readPinnedDeployment } from '../chain';
import { CocoonError, type Logger, systemClock } from '../base';
import { signerFromSeed } from '../confidential';
import { type GatewayConfig, readSeedFile } from '../config';
import { EscrowBook, readEscrowOf } from '../dispatch';
import { GatewayLedger } from '../ledger';
import { Escrow } from '../../wrappers';
import { ApiKeys } from './api-keys';
import { collateralSource } from './collateral';
import { DispatcherClient } from './dispatcher-client';
import { GpuJudge } from './gpu-judge';
import { NetworkView } from './network-view';
import { NodeDirectory } from './node-directory';
import { NodeVerifier } from './node-verifier';
import { Recovery } from './recovery';
import { createGatewayServer } from './server';
import { GatewayService } from './service';
import { snpAcceptanceOf } from './snp-acceptance';

export interface RunningGateway {
    url: string;
    stop(): Promise<void>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Composition root of the gateway process. */
export async function startGateway(config: GatewayConfig, logger: Logger): Promise<RunningGateway> {
    const apiKeys = readApiKeys(config, logger);
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const network = deployment.registry.hash;
    const [first] = config.dispatchers;
    const { closeDelaySec } = hubOf(deployment, first!.hub);
    const client = chainClientOf(config.chain);
    const escrow = await Escrow.createFromConfig({
        hub: first!.hub,
        network,
        client: config.client,
        index: config.escrowIndex,
        closeDelaySec,
    });
    const ledger = new GatewayLedger({ file: config.ledgerFile });
    await ledger.recover(systemClock.nowMs());
    requireOneHub(config);
    const peers = config.dispatchers.map(({ url, hub }) => ({ client: new DispatcherClient(url), hub }));
    const rootPublicKey = Buffer.concat([Buffer.from([4]), deployment.rootPublicKey]);
    const collateralFor = collateralSource({ url: config.collateral.url, rootPublicKey, clock: systemClock });
    const snp = snpAcceptanceOf(config, deployment);
    const gpus = gpuJudgeOf(config, deployment);
    const view = new NetworkView(client, deployment.registry);
    const directory = new NodeDirectory({
        network,
        peers,
        view,
        verifier: new NodeVerifier({ network, view, rootPublicKey, collateralFor, gpus, snp, clock: systemClock }),
        pollIntervalMs: config.chain.pollIntervalMs,
        clock: systemClock,
        logger,
    });
    const dispatchers = new Map(peers.map(({ client: dispatcher }) => [dispatcher.url, dispatcher]));
    const service = new GatewayService({
        network,
        escrow: escrow.address.hash,
        session: signerFromSeed(readSeedFile(config.sessionKeyFile)),
        ledger,
        book: new EscrowBook({ read: readEscrowOf(client, { hub: first!.hub, network, closeDelaySec }) }),
        directory,
        dispatchers,
        maxOutputPriceNano: config.maxOutputPriceNano,
        requestTimeoutMs: config.requestTimeoutMs,
        clock: systemClock,
        logger,
    });
    const recovery = new Recovery({
        network,
        ledger,
        dispatchers: [...dispatchers.values()],
        clock: systemClock,
        logger,
        unknownAfterMs: config.requestTimeoutMs,
        canStillSettle: async (nodeKey) => {
            const admitted = await view.admission(first!.hub, nodeKey);
            return admitted === null || admitted.settlesUntil >= (await client.getChainTimeSec());
        },
    });
    directory.start();
    recovery.start();
    const server = createGatewayServer({ service, logger, maxBodyBytes: config.maxBodyBytes, apiKeys });
    const url = await server.listen({ host: config.listen.host, port: config.listen.port });
    return {
        url,
        stop: async () => {
            await server.close();
            await directory.stop();
            await recovery.stop();
            await Promise.all(peers.map(({ client: dispatcher }) => dispatcher.close()));
            ledger.close();
        },
    };
}

/** The GPU root is NVIDIA's, or the one that a development network's deployment pins. */
function gpuJudgeOf({ gpu: { minCount, nras } }: GatewayConfig, { gpuRootPublicKey }: Deployment): GpuJudge {
    return new GpuJudge({
        rootPublicKey: gpuRootPublicKey ?? nvidiaRootPublicKey,
        minCount,
        nras: nras && { client: new NrasClient(nras), issuer: nras.issuer ?? nras.url },
        clock: systemClock,
    });
}

function requireOneHub({ dispatchers }: GatewayConfig): void {
    if (dispatchers.every(({ hub }) => hub.equals(dispatchers[0]!.hub))) return;
    const message = 'dispatchers: all must serve one hub, since an escrow belongs to one; run a gateway for each hub';
    throw new CocoonError('config_invalid', message, { action: 'fix' });
}

/** Without keys anyone who reaches the port spends the escrow, so then it must be the loopback. */
function readApiKeys(config: GatewayConfig, logger: Logger): ApiKeys | null {
    if (config.apiKeysFile === undefined) {
        if (loopback.has(config.listen.host)) return null;
        throw new CocoonError(
            'config_invalid',
            `listen.host ${config.listen.host} is reachable by others: set apiKeysFile, or listen on 127.0.0.1`,
            { action: 'fix' },
        );
    }
    return new ApiKeys(config.apiKeysFile, { clock: systemClock, logger });
}
