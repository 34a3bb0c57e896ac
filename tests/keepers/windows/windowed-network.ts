import path from 'node:path';
import { silentLogger, systemClock } from '../../../keepers/base';
import { generateSigner, KemKeyring } from '../../../keepers/confidential';
import { EscrowBook, type EscrowAccount } from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../../keepers/dispatcher';
import { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import type { NodeDirectory } from '../../../keepers/gateway/node-directory';
import { PickIndex } from '../../../keepers/gateway/pick-index';
import { GatewayService } from '../../../keepers/gateway/service';
import type { TrustedNode } from '../../../keepers/gateway/trusted-node';
import { GatewayLedger, NodeLog } from '../../../keepers/ledger';
import { OfferBook } from '../../../keepers/node/offers';
import { RequestGate } from '../../../keepers/node/request-gate';
import { NodeService } from '../../../keepers/node/service';
import type { DispatcherMetrics, GatewayMetrics, NodeMetrics } from '../../../keepers/telemetry';
import { encodeKeyBundle } from '../../../wrappers';
import { bytesOf } from '../confidential/exchange';
import { account, escrow, hub, network, session } from '../dispatch/sealed-request';
import { hubAddress, oneHub } from '../gateway/trusted-nodes';
import { ScriptedEngine, type Script } from '../node/node-fixture';
import { openNewLedger } from '../../support/new-ledger';

export const prices = { inputNano: 1_000_000n, cachedInputNano: 1_000_000n, outputNano: 1_000_000n };
const allPrices = { ...prices, reasoningNano: 1_000_000n };

const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

export interface WindowedOptions {
    balanceNano: bigint;
    script: Script;
    raiseTimeoutMs?: number;
    capabilities?: string[];
    /** Who counts and traces at each hop. */
    metrics?: { gateway: GatewayMetrics; dispatcher: DispatcherMetrics; node: NodeMetrics };
}

/** Gateway, dispatcher and node, each with its real books, in one process: a token costs one nanoTON. */
export async function startWindowed(folder: string, options: WindowedOptions) {
    const [clock, logger] = [systemClock, silentLogger()];
    const funds = { balanceNano: options.balanceNano };
    const key = { publicKey: session.publicKey, validUntilSec: Date.now() / 1000 + 3_600 };
    const read = async (): Promise<EscrowAccount> => account({ ...funds, sessionKeys: [key] });
    const file = () => path.join(folder, `${Math.random()}`);
    const ledgers = {
        dispatch: await openNewLedger(folder),
        gateway: new GatewayLedger({ file: file() }),
    };
    const dispatcher = new DispatcherService({
        network,
        hub,
        ledger: ledgers.dispatch,
        book: new EscrowBook({ read }),
        isAdmitted: async () => true,
        queueLimitPerNode: 8,
        metrics: options.metrics?.dispatcher,
        clock,
        logger,
    });
    const server = createDispatcherServer({ service: dispatcher, maxBodyBytes: 1_000_000, logger });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    const node = await startNode({ ...options, url, read, log: await NodeLog.open(file()) });
    const client = new DispatcherClient(url);
    while (dispatcher.connectedNodes === 0) await pause(5);
    const gateway = new GatewayService({
        network,
        hubs: oneHub({ hub: hubAddress, escrow, book: new EscrowBook({ read }) }),
        session,
        ledger: ledgers.gateway,
        directory: directoryOf(trusted(node, url)),
        dispatchers: new Map([[url, client]]),
        maxOutputPriceNano: undefined,
        requestTimeoutMs: 60_000,
        metrics: options.metrics?.gateway,
        clock,
        logger,
    });
    endings.push(async () => {
        await node.service.stop(0);
        await client.close();
        await server.close();
        while (dispatcher.inFlight > 0) await pause(5);
        await ledgers.dispatch.close();
        ledgers.gateway.close();
        await node.log.close();
    });
    return { gateway, dispatcher, ledgers, client, node, funds };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function startNode(options: WindowedOptions & { url: string; read: () => Promise<EscrowAccount>; log: NodeLog }) {
    const [clock, logger, signer] = [systemClock, silentLogger(), generateSigner()];
    const keyring = new KemKeyring({ network, signer, clock, suites: [2] });
    const { capabilities = ['chat.completions', 'windows'] } = options;
    const offers = new OfferBook({
        network,
        signer,
        prices: allPrices,
        modelRoot: bytesOf('root'),
        models: [{ id: 'toy', contextLength: 60_000, capabilities }],
        maxConcurrency: 4,
        clock,
    });
    const book = new EscrowBook({ read: options.read });
    const gate = new RequestGate({
        network,
        nodeKey: signer.publicKey,
        keyring,
        bookOf: () => book,
        offers: () => offers.standing(),
        creditLineNano: 1n << 80n,
        clock,
    });
    const bundle = bundleOf(signer.publicKey).toString('base64');
    const service = new NodeService({
        network,
        dispatchers: [{ url: options.url, hub }],
        signer,
        evidence: { bundle, quote: 'cXVvdGU=', collateral: null },
        keyring,
        offers,
        gate,
        engine: new ScriptedEngine(options.script),
        log: options.log,
        clock,
        logger,
        raiseTimeoutMs: options.raiseTimeoutMs,
        metrics: options.metrics?.node,
    });
    await service.start();
    return { service, signer, keyring, offers, log: options.log };
}

function trusted({ signer, offers, keyring }: Awaited<ReturnType<typeof startNode>>, dispatcherUrl: string) {
    return {
        id: signer.publicKey.toString('hex'),
        nodeKey: signer.publicKey,
        dispatcherUrl,
        hub: hubAddress,
        offer: offers.current,
        certificates: keyring.certificates(),
        bundle: {},
        verdict: {},
        load: { inFlight: 0, queued: 0, maxConcurrency: 4, firstFrameMsP50: 0, failureShare: 0 },
    } as unknown as TrustedNode;
}

function directoryOf(node: TrustedNode): NodeDirectory {
    const index = new PickIndex([node]);
    return {
        trusted: [node],
        offers: index.offers.bind(index),
        isUsable: () => true,
        waysTo: ({ dispatcherUrl: way }: { dispatcherUrl: string }) => [way],
        problem: '',
        avoid: () => undefined,
    } as unknown as NodeDirectory;
}

function bundleOf(signingKey: Buffer): Buffer {
    return encodeKeyBundle({
        network,
        provider: bytesOf('provider'),
        role: 1,
        suite: 1,
        signingKey,
        imageId: bytesOf('image'),
        modelRoot: bytesOf('root'),
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: bytesOf('block'),
        notAfter: Math.floor(Date.now() / 1000) + 3_600,
    });
}
