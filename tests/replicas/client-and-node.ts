import path from 'node:path';
import { Address } from '@ton/core';
import { silentLogger, systemClock } from '../../keepers/base';
import { generateSigner, KemKeyring, verifyKemCertificate, verifyOffer } from '../../keepers/confidential';
import { EscrowBook } from '../../keepers/dispatch';
import { GatewayHubs } from '../../keepers/gateway/gateway-hubs';
import { NodeDirectory } from '../../keepers/gateway/node-directory';
import type { NodeVerifier } from '../../keepers/gateway/node-verifier';
import type { NetworkView } from '../../keepers/gateway/network-view';
import { GatewayService } from '../../keepers/gateway/service';
import type { NodeEvidence, NodeRow, TrustedNode } from '../../keepers/gateway/trusted-node';
import { GatewayLedger, NodeLog } from '../../keepers/ledger';
import type { Engine, EngineEvent } from '../../keepers/node/engine';
import type { DispatcherPlace } from '../../keepers/node/dispatcher-links';
import { OfferBook } from '../../keepers/node/offers';
import { RequestGate } from '../../keepers/node/request-gate';
import { NodeService } from '../../keepers/node/service';
import { encodeKeyBundle } from '../../wrappers';
import { bytesOf } from '../keepers/confidential/exchange';
import { network, session } from '../keepers/dispatch/sealed-request';
import { accountWith, prices } from './terms';

const [clock, logger] = [systemClock, silentLogger()];
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Says its first word only after a while, so that a replica can die before it. */
function engineOf(places: number, firstWordMs: () => number): Engine & { runs: number } {
    const usage = (completionTokens: number) => ({
        promptTokens: 10,
        cachedPromptTokens: 0,
        completionTokens,
        reasoningTokens: 0,
    });
    const engine = {
        maxConcurrency: places,
        runs: 0,
        describe: () => Promise.resolve([]),
        async *run(): AsyncGenerator<EngineEvent> {
            engine.runs += 1;
            await pause(firstWordMs());
            yield { type: 'head', status: 200, headers: { 'content-type': 'text/plain' } };
            for (let tokens = 1; tokens <= 20; tokens++) {
                yield { type: 'chunk', data: Buffer.from(`${tokens} `), usage: usage(tokens) };
                await pause(40);
            }
            yield { type: 'end', usage: usage(20) };
        },
        health: () => Promise.resolve({ ok: true, detail: '' }),
        close: () => Promise.resolve(),
    };
    return engine;
}

export interface NodeTerms {
    dispatchers: readonly DispatcherPlace[];
    places: number;
    balanceNano: bigint;
    firstWordMs?: () => number;
}

/** A node that knows the dispatchers that it is told of and the replicas that these name. */
export async function startNode(folder: string, options: NodeTerms) {
    const signer = generateSigner();
    const keyring = new KemKeyring({ network, signer, clock, suites: [2] });
    const modelRoot = bytesOf('root');
    const offers = new OfferBook({
        network,
        signer,
        prices,
        modelRoot,
        models: [{ id: 'toy', contextLength: 4_096, capabilities: ['chat.completions'] }],
        maxConcurrency: options.places,
        clock,
    });
    const book = new EscrowBook({ read: readerOf(options.balanceNano) });
    const gate = new RequestGate({
        network,
        nodeKey: signer.publicKey,
        keyring,
        bookOf: () => book,
        offers: () => offers.standing(),
        creditLineNano: 1n << 80n,
        clock,
    });
    const log = await NodeLog.open(path.join(folder, 'node.log'));
    const engine = engineOf(options.places, options.firstWordMs ?? (() => 500 + Math.random() * 3_000));
    const bundle = encodeKeyBundle({
        network,
        provider: bytesOf('provider'),
        role: 1,
        suite: 1,
        signingKey: signer.publicKey,
        imageId: bytesOf('image'),
        modelRoot,
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: bytesOf('block'),
        notAfter: Math.floor(Date.now() / 1000) + 3_600,
    }).toString('base64');
    const service = new NodeService({
        network,
        dispatchers: options.dispatchers,
        signer,
        evidence: { bundle, quote: 'cXVvdGU=', collateral: null },
        keyring,
        offers,
        gate,
        engine,
        log,
        clock,
        logger,
    });
    await service.start();
    return { service, engine, log };
}

/** As on chain: whichever escrow is asked for is open. */
function readerOf(balanceNano: bigint) {
    return async (escrow: Buffer) => ({ ...accountWith(balanceNano), escrow });
}

/**
 * A gateway that knows the dispatchers that it is told of and the replicas that these name; `checkedAt` has those that named
 * a node so far. What vouches for nodes is left to the tests of evidence.
 */
export function startGateway(
    folder: string,
    options: { dispatchers: readonly (DispatcherPlace & { escrow: Buffer })[]; balanceNano: bigint },
) {
    const ledger = new GatewayLedger({ file: path.join(folder, 'gateway.sqlite') });
    const book = new EscrowBook({ read: readerOf(options.balanceNano) });
    const configured = options.dispatchers.map(({ url, hub }) => ({ url, hub: new Address(0, hub) }));
    const accountAt = async (hub: Address) => {
        const { escrow } = options.dispatchers.find((one) => one.hub.equals(hub.hash))!;
        return { hub, escrow, book };
    };
    const hubs = new GatewayHubs({ configured, accountAt, clock, logger });
    const checkedAt = new Set<string>();
    const check = async (row: NodeRow, from: { dispatcherUrl: string }) => {
        checkedAt.add(from.dispatcherUrl);
        return believed(row, from);
    };
    const directory = new NodeDirectory({
        network,
        peers: () => hubs.peers,
        onReplicas: (by, urls) => hubs.learn(by, urls),
        view: { refresh: async () => undefined, current: { version: 1 } } as unknown as NetworkView,
        verifier: { check } as unknown as NodeVerifier,
        pollIntervalMs: 250,
        clock,
        logger,
    });
    const service = new GatewayService({
        network,
        hubs,
        session,
        ledger,
        directory,
        dispatchers: hubs.dispatchers,
        maxOutputPriceNano: undefined,
        requestTimeoutMs: 120_000,
        clock,
        logger,
    });
    return { service, ledger, hubs, directory, checkedAt };
}

function believed(row: NodeRow, from: object): { trusted: TrustedNode; evidence: NodeEvidence } {
    const nodeKey = Buffer.from(row.nodeKey, 'hex');
    const expected = { network, nodeKey, nowSec: Date.now() / 1000 };
    const trusted = {
        ...from,
        id: row.nodeKey,
        nodeKey,
        bundle: {},
        verdict: {},
        gpu: null,
        offer: verifyOffer(Buffer.from(row.offer, 'base64'), expected),
        certificates: row.kemCertificates.map((one) => verifyKemCertificate(Buffer.from(one, 'base64'), expected)),
        load: row.load,
        checkedAtMs: systemClock.monotonicMs(),
    } as unknown as TrustedNode;
    return { trusted, evidence: { ...row, refusal: null, trusted: true } as unknown as NodeEvidence };
}
