import { Address } from '@ton/core';
import {
    type ChainClient,
    chainClientOf,
    type Deployment,
    hubOf,
    NetworkReader,
    readPinnedDeployment,
    walletKeyFromSeed,
} from '../chain';
import { type Logger, systemClock } from '../base';
import { KemKeyring, signerFromSeed } from '../confidential';
import { type NodeConfig, readSeedFile } from '../config';
import { readEscrowOf } from '../dispatch';
import { LedgerError, NodeLog, RetentionJob } from '../ledger';
import { openSender, type OutboxSender } from '../outbox';
import { SettlerService } from '../settlement';
import {
    NodeMetrics,
    type RoleTelemetry,
    SettlerMetrics,
    watchChain,
    watchOwnSettling,
    watchRetention,
} from '../telemetry';
import { admissionValueNano, Registry } from '../../wrappers';
import { EarningsTally } from './earnings-tally';
import { NodeError } from './errors';
import type { NodeGpus } from './gpu-source';
import { NodeHubs } from './node-hubs';
import { nodeFiles } from './node-files';
import { OfferBook, offeredModels } from './offers';
import { openEngine } from './open-engine';
import { PriceWatch } from './price-watch';
import type { QuoteSource } from './quote-source';
import { Reattestation } from './reattestation';
import { type Evidence, Registration } from './registration';
import type { SnpEndorser } from './report-source';
import { RequestGate } from './request-gate';
import { NodeService, type ShownEvidence } from './service';
import { openSigningKey } from './signing-key';
import { StatusReporter } from './status-reporter';
import { watchNode } from './watch-node';

/** A TEE as the node needs it: quotes, and the image that it measures. */
export interface NodeTee {
    quotes: QuoteSource;
    imageId: Buffer;
    /** Of a SEV-SNP guest: `quotes` then gives reports, and this their certificates. */
    snp?: SnpEndorser;
    gpus?: NodeGpus;
}

/** Who hears of a node while it runs. */
export interface WatchedBy {
    logger: Logger;
    telemetry: RoleTelemetry;
}

export interface RunningNode {
    nodeKey: Buffer;
    stop(): Promise<void>;
}

const drainMs = 10_000;

/** A node that does not come up says why in its status file, where its provider's commands find it. */
export async function startNode(config: NodeConfig, tee: NodeTee, watched: WatchedBy): Promise<RunningNode> {
    const { dispatcherUrl, receiptLogFile } = config;
    const { logger } = watched;
    const report = () =>
        new StatusReporter({ file: nodeFiles(config).status, dispatcherUrl, clock: systemClock, logger });
    // Before a key is paid for. What lies beside a log that is in use is of the node that writes to it.
    const log = await NodeLog.open(receiptLogFile).catch((error: unknown) => {
        if (!isInUse(error)) report().end('failed', error);
        throw error;
    });
    const reporter = report();
    const end = (phase: 'stopped' | 'failed', error?: unknown) => {
        reporter.end(phase, error);
        return log.close();
    };
    try {
        const node = await composeNode(config, tee, { ...watched, reporter, log });
        return { ...node, stop: () => node.stop().finally(() => end('stopped')) };
    } catch (error) {
        await end('failed', error);
        throw error;
    }
}

function isInUse(error: unknown): boolean {
    return error instanceof LedgerError && error.code === 'log_in_use';
}

/** Composition root of the node process: keys, engine, registration on chain, service. */
async function composeNode(
    config: NodeConfig,
    tee: NodeTee,
    { logger, telemetry, reporter, log }: WatchedBy & { reporter: StatusReporter; log: NodeLog },
): Promise<RunningNode> {
    const metrics = new NodeMetrics(telemetry.registry, telemetry.tracer);
    const deployment = await readPinnedDeployment(config.deploymentFile);
    hubOf(deployment, config.hub);
    if (deployment.quoteVerifier === null)
        throw new NodeError('registration_failed', 'the network has no quote verifier yet: finish deploy-network');
    const client = chainClientOf(config.chain, { logger, kind: deployment.kind });
    watchChain(telemetry, client.health);
    const reader = new NetworkReader({ client, registry: deployment.registry });
    const files = nodeFiles(config);
    const { sender, close: closeOutbox } = openSender({
        client,
        key: walletKeyFromSeed(readSeedFile(config.gasWalletFile)),
        kind: config.gasWalletKind,
        pollIntervalMs: config.chain.pollIntervalMs,
        outbox: { file: files.outbox },
        retentionHours: config.retentionHours,
        logger,
    });
    const network = deployment.registry.hash;
    const { engine, modelRoot } = await openEngine(config.engine, {
        rootPublicKey: Buffer.concat([Buffer.from([4]), deployment.rootPublicKey]),
        gpuRootPublicKey: deployment.gpuRootPublicKey,
    });
    const signer = await openSigningKey(config.signing);
    const registration = new Registration({
        client,
        reader,
        sender,
        network,
        verifier: deployment.quoteVerifier,
        provider: config.provider,
        operator: signerFromSeed(readSeedFile(config.operatorKeyFile)),
        signer,
        quotes: tee.quotes,
        snp: tee.snp,
        gpus: tee.gpus,
        logger,
    });
    // A bundle that outlives the registry's longest key life is refused.
    const keyLifeSec = async () =>
        Math.min(config.keyLifeSec, (await reader.registry())?.maxKeyLifeSec ?? config.keyLifeSec);
    const hubs = nodeHubsOf(config, { client, reader, deployment, registration, nodeKey: signer.publicKey, logger });
    const attest = () =>
        counted(metrics, async () => {
            const recorded = await registration.register({
                signingKey: signer.publicKey,
                imageId: tee.imageId,
                modelRoot,
                notAfter: (await client.getChainTimeSec()) + (await keyLifeSec()),
                block: await client.getAnchorBlock(),
            });
            await hubs.admitEverywhere();
            return recorded;
        });
    const evidence = await attest();
    const models = offeredModels(await engine.describe(AbortSignal.timeout(30_000)), engine);
    const offers = new OfferBook({
        network,
        signer,
        prices: config.prices,
        modelRoot,
        models,
        maxConcurrency: engine.maxConcurrency,
        clock: systemClock,
    });
    const prices = new PriceWatch({
        file: files.prices,
        offers,
        publish: () => service.publishOffer(),
        logger,
    });
    prices.load();
    const tally = EarningsTally.open(files.tally, systemClock);
    const keyring = new KemKeyring({ network, signer, clock: systemClock });
    const gate = new RequestGate({
        network,
        nodeKey: signer.publicKey,
        keyring,
        bookOf: (hub) => hubs.bookOf(hub),
        offers: () => offers.standing(),
        creditLineNano: config.creditLineNano,
        clock: systemClock,
    });
    const service = new NodeService({
        network,
        dispatchers: hubs.places(),
        signer,
        evidence: { ...inBase64(evidence), collateral: null },
        keyring,
        offers,
        gate,
        engine,
        log,
        tally,
        metrics,
        clock: systemClock,
        logger,
    });
    log.watch((trouble) => service.setLogTrouble(trouble));
    const retention = new RetentionJob({
        retentionMs: config.retentionHours * 3_600_000,
        compact: (beforeMs, pause) => log.compact(beforeMs, pause),
        clock: systemClock,
        logger,
    });
    watchRetention(telemetry, retention);
    retention.start();
    await service.start();
    hubs.start((place) => service.dial(place));
    prices.start();
    let keyNotAfterSec = evidence.bundle.notAfter;
    const reattestation = new Reattestation({
        keyLifeSec: await keyLifeSec(),
        chainTimeSec: () => client.getChainTimeSec(),
        attest: async () => {
            const renewed = await attest();
            service.replaceEvidence(inBase64(renewed));
            return (keyNotAfterSec = renewed.bundle.notAfter);
        },
        notAfterSec: evidence.bundle.notAfter,
        clock: systemClock,
        logger,
    });
    reattestation.start();
    const ownSettler = ownSettlerOf(config, { client, reader, sender, logger }, telemetry);
    ownSettler?.start();
    const { publicKey: nodeKey } = signer;
    watchNode({
        telemetry,
        metrics,
        service,
        sender,
        gasLowNano: config.gasLowNano,
        renew: () => reattestation.renew(),
        keyNotAfterSec: () => keyNotAfterSec,
        offerExpiresAtSec: () => offers.current.expiresAtSec,
    });
    telemetry.addVolume('receipts', config.receiptLogFile);
    await reporter.serving({ service, engine, models, offers, tally, nodeKey, keyNotAfterSec: () => keyNotAfterSec });
    return {
        nodeKey: signer.publicKey,
        stop: async () => {
            prices.stop();
            // Whoever stops a node does not wait for its disk.
            log.failFast();
            await hubs.stop();
            await reattestation.stop();
            await service.stop(drainMs);
            await retention.stop();
            await engine.close();
            await ownSettler?.stop();
            await closeOutbox();
            await client.close();
        },
    };
}

/** The node's receipts reach the chain even if nobody else posts them. */
function ownSettlerOf(
    config: NodeConfig,
    place: { client: ChainClient; reader: NetworkReader; sender: OutboxSender; logger: Logger },
    telemetry: RoleTelemetry,
): SettlerService | null {
    const { settleOwn, settleOwnIntervalMs, hub, receiptLogFile, maxFeePerSettlementNano, maxFeePerDayNano } = config;
    if (settleOwn === 'never') return null;
    const limits = { maxFeePerSettlementNano, maxFeePerDayNano, deadlinesOnly: settleOwn === 'deadlines' };
    const metrics = new SettlerMetrics(telemetry.registry);
    watchOwnSettling(telemetry, metrics);
    const from = { hub, nodeLogFiles: [receiptLogFile], intervalMs: settleOwnIntervalMs };
    return new SettlerService({ ...place, ...limits, ...from, metrics });
}

function nodeHubsOf(
    config: NodeConfig,
    of: {
        client: ChainClient;
        reader: NetworkReader;
        deployment: Deployment;
        registration: Registration;
        nodeKey: Buffer;
        logger: Logger;
    },
): NodeHubs {
    const { client, reader, deployment, registration, nodeKey, logger } = of;
    return new NodeHubs({
        home: config.hub,
        configured: config.dispatchers,
        wanted: config.useListedHubs,
        listed: async () => {
            const hubs = await client.open(Registry.createFromAddress(deployment.registry)).getHubs();
            return [...hubs].map(([raw, { endpoint }]) => ({ hub: Address.parseRaw(raw), url: endpoint }));
        },
        escrowsOf: async (hub) => {
            const known = deployment.hubs.find(({ address }) => address.equals(hub)) ?? (await reader.hub(hub));
            if (known === null) throw new NodeError('registration_failed', `${hub} is no hub of this network`);
            const { closeDelaySec } = known;
            return readEscrowOf(client, { hub, network: deployment.registry.hash, closeDelaySec });
        },
        admit: (hub) => registration.admitTo(hub, nodeKey),
        admissionCostNano: admissionValueNano,
        clock: systemClock,
        logger,
    });
}

async function counted<Result>(metrics: NodeMetrics, attest: () => Promise<Result>): Promise<Result> {
    try {
        const result = await attest();
        metrics.attested('registered');
        return result;
    } catch (error) {
        metrics.attested('failed');
        throw error;
    }
}

function inBase64({ bundleBytes, quote, snp, gpuEvidence }: Evidence): ShownEvidence {
    return {
        bundle: bundleBytes.toString('base64'),
        quote: quote.toString('base64'),
        ...(snp && { snp: { vek: snp.vek.toString('base64'), chain: snp.chain } }),
        ...(gpuEvidence && { gpuEvidence }),
    };
}
