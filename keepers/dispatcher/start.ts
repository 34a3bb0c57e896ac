import { randomBytes } from 'node:crypto';
import type { Address } from '@ton/core';
import { chainClientOf, hubOf, NetworkReader, readPinnedDeployment } from '../chain';
import { type Logger, systemClock } from '../base';
import { type DispatcherConfig, ledgerPlaceOf } from '../config';
import { EscrowBook, readEscrowOf } from '../dispatch';
import { type DispatchLedger, openDispatchLedger, RetentionJob } from '../ledger';
import {
    addDrainActs,
    DispatcherMetrics,
    LedgerMetrics,
    type RoleTelemetry,
    watchCertificate,
    watchChain,
    watchDispatchLedger,
    watchLeases,
    watchRetention,
} from '../telemetry';
import { AdmittedNodes } from './admitted-nodes';
import { DeadNodes } from './dead-nodes';
import { ReplicaSet } from './replica-set';
import { createDispatcherServer, renewCertificate } from './server';
import { DispatcherService } from './service';
import { notAfterSecOf, TlsFiles } from './tls-files';

export interface RunningDispatcher {
    url: string;
    stop(): Promise<void>;
}

/** Composition root of the dispatcher process. */
export async function startDispatcher(
    config: DispatcherConfig,
    logger: Logger,
    telemetry: RoleTelemetry,
): Promise<RunningDispatcher> {
    const tlsFiles = config.tls && new TlsFiles({ ...config.tls, logger });
    if (tlsFiles) watchCertificate(telemetry, () => notAfterSecOf(tlsFiles.current));
    const deployment = await readPinnedDeployment(config.deploymentFile);
    const { closeDelaySec } = hubOf(deployment, config.hub);
    const client = chainClientOf(config.chain, { logger, kind: deployment.kind });
    watchChain(telemetry, client.health);
    const reader = new NetworkReader({ client, registry: deployment.registry });
    const ledgerMetrics = new LedgerMetrics(telemetry.registry);
    const ledger = await openDispatchLedger({
        ...ledgerPlaceOf(config)!,
        dispatcherId: config.dispatcherId,
        ...ledgerMetrics.hooks,
    });
    watchDispatchLedger(telemetry, ledger, { file: config.ledgerFile, metrics: ledgerMetrics });
    const holder = randomBytes(8).toString('hex');
    const retention = retentionOf(ledger, { retentionHours: config.retentionHours, holder, logger });
    watchRetention(telemetry, retention);
    watchLeases(telemetry, ledger.leases);
    const network = deployment.registry.hash;
    const metrics = new DispatcherMetrics(telemetry.registry, telemetry.tracer);
    const admitted = new AdmittedNodes({
        readOne: (nodeKey) => reader.node(config.hub, nodeKey, { refresh: true }),
        readAll: () => reader.nodes(config.hub),
        chainTimeSec: () => client.getChainTimeSec(),
        clock: systemClock,
    });
    const service = new DispatcherService({
        network,
        hub: config.hub.hash,
        ledger,
        book: new EscrowBook({ read: readEscrowOf(client, { hub: config.hub, network, closeDelaySec }) }),
        isAdmitted: (nodeKey) => admitted.has(nodeKey),
        queueLimitPerNode: config.queueLimitPerNode,
        replicaUrls: () => replicas.urls,
        clock: systemClock,
        metrics,
        logger,
    });
    watchDispatcher({ service, metrics, telemetry, hub: config.hub });
    await service.recover();
    const replicas = new ReplicaSet({
        ledger,
        hub: config.hub.hash,
        id: config.dispatcherId,
        publicUrl: config.publicUrl,
        onChange: () => service.tellReplicas(),
        onReplaced: () => {
            logger.error(
                { dispatcherId: config.dispatcherId },
                'another process runs under this dispatcherId: requests are refused',
            );
            service.setReplaced();
        },
        clock: systemClock,
        logger,
    });
    await replicas.start();
    const deadNodes = new DeadNodes({
        ledger,
        holder,
        settlesUntilSec: async (nodeKey) =>
            (await reader.node(config.hub, nodeKey, { refresh: true }))?.settlesUntil ?? null,
        chainTimeSec: () => client.getChainTimeSec(),
        clock: systemClock,
        logger,
    });
    deadNodes.start();
    retention.start();
    const { maxBodyBytes, maxReceivingBytes } = config;
    const server = createDispatcherServer({ service, maxBodyBytes, maxReceivingBytes, logger, tls: tlsFiles?.current });
    tlsFiles?.start((pair) => renewCertificate(server, pair));
    const url = await server.listen({ host: config.listen.host, port: config.listen.port });
    return {
        url,
        stop: async () => {
            tlsFiles?.stop();
            await service.drain(config.drainMs);
            await deadNodes.stop();
            await retention.stop();
            await replicas.stop();
            await server.close();
            await ledger.close();
            await client.close();
        },
    };
}

/** Longer than a look through takes: two replicas may do it at once, but need not. */
const retentionLeaseMs = 600_000;

function retentionOf(
    ledger: DispatchLedger,
    { retentionHours, holder, logger }: { retentionHours: number; holder: string; logger: Logger },
): RetentionJob {
    return new RetentionJob({
        retentionMs: retentionHours * 3_600_000,
        compact: async (beforeMs, pause) =>
            (await ledger.leases.hold('leader retention', holder, retentionLeaseMs))
                ? { ...(await ledger.upkeep.compact(beforeMs, { pause })) }
                : {},
        clock: systemClock,
        logger,
    });
}

const replacedDetail = 'another process runs under this dispatcherId: stop this one, or give it an id of its own';

function watchDispatcher(of: {
    service: DispatcherService;
    metrics: DispatcherMetrics;
    telemetry: RoleTelemetry;
    hub: Address;
}): void {
    const { service, metrics, telemetry, hub } = of;
    metrics.watch(service);
    telemetry.readiness.add('replaced', () => (service.isReplaced ? replacedDetail : null));
    telemetry.readiness.add('no_node', () => (service.connectedNodes === 0 ? 'no node is connected' : null));
    telemetry.addStatus('dispatcher', () => ({
        hub: hub.toString(),
        nodes: service.connectedNodes,
        inFlight: service.inFlight,
        waiting: service.waiting,
    }));
    addDrainActs(telemetry, service);
}
