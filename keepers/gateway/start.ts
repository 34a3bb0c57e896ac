import { NrasClient, nvidiaRootPublicKey } from '../attestation';
import {
    type ChainClient,
    chainClientOf,
    ChainError,
    type Deployment,
    NetworkReader,
    readPinnedDeployment,
} from '../chain';
import { CocoonError, type Logger, systemClock } from '../base';
import { signerFromSeed } from '../confidential';
import { type GatewayConfig, readSeedFile } from '../config';
import { EscrowBook, readEscrowOf } from '../dispatch';
import { GatewayLedger, RetentionJob } from '../ledger';
import { Escrow } from '../../wrappers';
import { ApiKeys } from './api-keys';
import { collateralSource } from './collateral';
import { GatewayHubs } from './gateway-hubs';
import { GpuJudge } from './gpu-judge';
import { IdempotencyBook } from './idempotency/idempotency-book';
import { IdempotencyKeys } from './idempotency/idempotency-keys';
import { NetworkView } from './network-view';
import { NodeDirectory } from './node-directory';
import { NodeVerifier } from './node-verifier';
import { Recovery } from './recovery';
import {
    addDrainActs,
    GatewayMetrics,
    LedgerMetrics,
    type RoleTelemetry,
    watchChain,
    watchLedgerFile,
    watchRetention,
} from '../telemetry';
import { createGatewayServer } from './server';
import { GatewayService } from './service';
import { snpAcceptanceOf } from './snp-acceptance';
import { watchGateway } from './watch-gateway';

export interface RunningGateway {
    url: string;
    stop(): Promise<void>;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Composition root of the gateway process. */
export async function startGateway(
    config: GatewayConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningGateway> {
    const apiKeys = readApiKeys(config, logger);
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const network = deployment.registry.hash;
    const client = chainClientOf(config.chain, { logger, kind: deployment.kind });
    watchChain(telemetry, client.health);
    const ledgerMetrics = new LedgerMetrics(telemetry.registry);
    const ledger = new GatewayLedger({ file: config.ledgerFile, ...ledgerMetrics.hooks });
    await ledger.recover(systemClock.nowMs());
    const rootPublicKey = Buffer.concat([Buffer.from([4]), deployment.rootPublicKey]);
    const collateralFor = collateralSource({ url: config.collateral.url, rootPublicKey, clock: systemClock });
    const snp = snpAcceptanceOf(config, deployment);
    const gpus = gpuJudgeOf(config, deployment);
    const view = new NetworkView(client, deployment.registry);
    const hubs = hubsOf(config, { client, view, deployment, logger });
    await hubs.refresh();
    const metrics = new GatewayMetrics(telemetry.registry, telemetry.tracer);
    const directory = new NodeDirectory({
        network,
        peers: () => hubs.peers,
        onReplicas: (by, urls) => hubs.learn(by, urls),
        view,
        verifier: new NodeVerifier({ network, view, rootPublicKey, collateralFor, gpus, snp, clock: systemClock }),
        pollIntervalMs: config.chain.pollIntervalMs,
        onVerdict: (check) => metrics.verdict(check),
        clock: systemClock,
        logger,
    });
    const service = new GatewayService({
        network,
        hubs,
        session: signerFromSeed(readSeedFile(config.sessionKeyFile)),
        ledger,
        directory,
        dispatchers: hubs.dispatchers,
        maxOutputPriceNano: config.maxOutputPriceNano,
        requestTimeoutMs: config.requestTimeoutMs,
        metrics,
        clock: systemClock,
        logger,
    });
    const idempotency = new IdempotencyBook({
        ledger,
        keys: new IdempotencyKeys(readSeedFile(config.sessionKeyFile)),
        clock: systemClock,
        logger,
    });
    const recovery = new Recovery({
        network,
        ledger,
        dispatchers: () => [...hubs.dispatchers.values()],
        clock: systemClock,
        logger,
        unknownAfterMs: config.requestTimeoutMs,
        retryClosings: () => service.retryClosings(),
        canStillSettle: async ({ escrow, nodeKey }) => {
            const account = hubs.all().find((one) => one.escrow.equals(escrow));
            // Of a hub that is configured no more nothing is known: what is reserved there stays.
            if (account === undefined) return true;
            const admitted = await view.admission(account.hub, nodeKey);
            return admitted === null || admitted.settlesUntil >= (await client.getChainTimeSec());
        },
    });
    watchGateway({ service, metrics, telemetry, hubs, directory, ledger });
    watchLedgerFile(telemetry, config.ledgerFile);
    const retention = new RetentionJob({
        retentionMs: config.retentionHours * 3_600_000,
        compact: async (beforeMs, pause) => ({ ...(await ledger.compact({ beforeMs, pause })) }),
        clock: systemClock,
        logger,
    });
    watchRetention(telemetry, retention);
    telemetry.readiness.add('ledger_failing', () => ledgerMetrics.problem);
    addDrainActs(telemetry, service);
    hubs.start();
    directory.start();
    recovery.start();
    retention.start();
    const server = createGatewayServer({ service, idempotency, logger, maxBodyBytes: config.maxBodyBytes, apiKeys });
    const url = await server.listen({ host: config.listen.host, port: config.listen.port });
    return {
        url,
        stop: async () => {
            await server.close();
            await directory.stop();
            await recovery.stop();
            await retention.stop();
            await hubs.stop();
            ledger.close();
            await client.close();
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

function hubsOf(
    config: GatewayConfig,
    of: { client: ChainClient; view: NetworkView; deployment: Deployment; logger: Logger },
): GatewayHubs {
    const { client, view, deployment, logger } = of;
    const { registry } = deployment;
    const reader = new NetworkReader({ client, registry });
    return new GatewayHubs({
        configured: config.dispatchers,
        listed: config.useListedHubs ? () => view.listedHubs() : undefined,
        accountAt: async (hub) => {
            // Of a hub that the deployment file knows the chain need not be asked.
            const state = deployment.hubs.find(({ address }) => address.equals(hub)) ?? (await reader.hub(hub));
            if (state === null) throw new ChainError('account_inactive', `${hub} is no hub of this network`);
            const scope = { hub, network: registry.hash, closeDelaySec: state.closeDelaySec };
            const owner = { client: config.client, index: config.escrowIndex };
            const { address } = await Escrow.createFromConfig({ ...scope, ...owner });
            return { hub, escrow: address.hash, book: new EscrowBook({ read: readEscrowOf(client, scope) }) };
        },
        clock: systemClock,
        logger,
    });
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
