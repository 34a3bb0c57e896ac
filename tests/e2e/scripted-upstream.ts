import path from 'node:path';
import { Address } from '@ton/core';
import OpenAI from 'openai';
import { silentLogger, systemClock } from '../../keepers/base';
import { generateSigner, KemKeyring } from '../../keepers/confidential';
import { EscrowBook } from '../../keepers/dispatch';
import { createDispatcherServer, DispatcherService } from '../../keepers/dispatcher';
import { DispatcherClient } from '../../keepers/gateway/dispatcher-client';
import type { NodeDirectory } from '../../keepers/gateway/node-directory';
import { IdempotencyBook } from '../../keepers/gateway/idempotency/idempotency-book';
import { IdempotencyKeys } from '../../keepers/gateway/idempotency/idempotency-keys';
import { PickIndex } from '../../keepers/gateway/pick-index';
import { createGatewayServer } from '../../keepers/gateway/server';
import { GatewayService } from '../../keepers/gateway/service';
import type { TrustedNode } from '../../keepers/gateway/trusted-node';
import { GatewayLedger, NodeLog, openDispatchLedger } from '../../keepers/ledger';
import { OpenAiCompatibleEngine } from '../../keepers/node/engine';
import { OfferBook } from '../../keepers/node/offers';
import { RequestGate } from '../../keepers/node/request-gate';
import { NodeService } from '../../keepers/node/service';
import { bytesOf } from '../keepers/confidential/exchange';
import { account, escrow, hub, network } from '../keepers/dispatch/sealed-request';
import { bundleOf } from '../keepers/dispatcher/scripted-node';
import { temporaryFolder } from '../keepers/ledger/temporary-folder';
import { type Behaviour, json, type SeenRequest, startOpenAiServer } from '../keepers/node/engine/openai-server';

export const scriptedModel = 'scripted-70b';

/** nanoTON a million tokens */
const prices = { inputNano: 400_000n, cachedInputNano: 100_000n, outputNano: 1_600_000n, reasoningNano: 1_600_000n };
const balanceNano = 10n ** 12n;
const hubAddress = new Address(0, hub);
/** Shorter than in earnest, so that a test sees an answer cut off that nobody came back for. */
export const idempotencyGraceMs = 400;

/** The node looks after its engine's health by itself: a test scripts and counts what is asked, not that. */
function answering(server: Awaited<ReturnType<typeof startOpenAiServer>>) {
    const isQuestion = ({ body }: SeenRequest) => body !== '';
    const listed = json(200, { object: 'list', data: [{ id: scriptedModel, object: 'model', owned_by: 'test' }] });
    server.behave(listed);
    return {
        ...server,
        get seen() {
            return server.seen.filter(isQuestion);
        },
        behave: (next: Behaviour) =>
            server.behave((response, request) =>
                isQuestion(request) ? next(response, request) : listed(response, request),
            ),
    };
}

type Parts = Awaited<ReturnType<typeof start>>;

/**
 * Gateway, dispatcher and node as they are, in one process, before an engine that a test scripts. Only the chain is
 * played: evidence and escrow are taken as read. Up for all tests of a file.
 */
export class ScriptedUpstreamNetwork {
    private readonly folder = temporaryFolder();
    private parts: Parts | undefined;

    constructor() {
        beforeAll(async () => void (this.parts = await start(this.folder)));
        afterAll(async () => {
            for (const end of this.parts?.endings.reverse() ?? []) await end();
        });
    }

    private get up(): Parts {
        if (this.parts === undefined) throw new Error('the network is not up');
        return this.parts;
    }

    /** The engine's place: what it saw, and what it does next. */
    get upstream(): Parts['upstream'] {
        return this.up.upstream;
    }

    get ledger(): GatewayLedger {
        return this.up.ledger;
    }

    get url(): string {
        return this.up.url;
    }

    /** The body that reached the engine last. */
    lastSeen(): Record<string, unknown> {
        return JSON.parse(this.upstream.seen.at(-1)!.body) as Record<string, unknown>;
    }

    client(options: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI {
        return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: 'any', maxRetries: 0, timeout: 20_000, ...options });
    }

    /** The gateway alone stops and comes up again on the same books. */
    async restartGateway(): Promise<void> {
        await this.up.restartGateway();
    }
}

async function start(folder: string) {
    const upstream = answering(await startOpenAiServer());
    const signer = generateSigner();
    const dispatcherLedger = await openDispatchLedger({ file: path.join(folder, 'dispatcher.sqlite') });
    const session = generateSigner();
    const read = async () =>
        account({
            balanceNano,
            sessionKeys: [{ publicKey: session.publicKey, validUntilSec: Math.floor(Date.now() / 1000) + 3_600 }],
        });
    const common = { network, clock: systemClock, logger: silentLogger() };
    const dispatcher = new DispatcherService({
        ...common,
        hub,
        ledger: dispatcherLedger,
        book: new EscrowBook({ read }),
        isAdmitted: async () => true,
        queueLimitPerNode: 16,
    });
    const relayServer = createDispatcherServer({
        service: dispatcher,
        maxBodyBytes: 32 * 1024 * 1024,
        logger: silentLogger(),
    });
    const dispatcherUrl = await relayServer.listen({ host: '127.0.0.1', port: 0 });
    const engine = new OpenAiCompatibleEngine({ baseUrl: upstream.baseUrl });
    const keyring = new KemKeyring({ network, signer, clock: systemClock });
    const capabilities = ['chat.completions', 'completions', 'embeddings'];
    const offers = new OfferBook({
        network,
        signer,
        prices,
        modelRoot: bytesOf('root'),
        models: [{ id: scriptedModel, contextLength: 32_768, capabilities }],
        maxConcurrency: 16,
        clock: systemClock,
    });
    const log = await NodeLog.open(path.join(folder, 'node.receipts'));
    const nodeBook = new EscrowBook({ read });
    const gate = new RequestGate({
        network,
        nodeKey: signer.publicKey,
        keyring,
        bookOf: () => nodeBook,
        offers: () => offers.standing(),
        creditLineNano: balanceNano,
        clock: systemClock,
    });
    const node = new NodeService({
        ...common,
        dispatchers: [{ url: dispatcherUrl, hub }],
        signer,
        evidence: { bundle: bundleOf(signer).toString('base64'), quote: 'cXVvdGU=', collateral: null },
        keyring,
        offers,
        gate,
        engine,
        log,
    });
    await node.start();
    while (dispatcher.connectedNodes === 0) await systemClock.sleep(5);
    const client = new DispatcherClient(dispatcherUrl);
    const directory = {
        get trusted(): TrustedNode[] {
            return [
                {
                    id: signer.publicKey.toString('hex'),
                    nodeKey: signer.publicKey,
                    bundle: {} as TrustedNode['bundle'],
                    verdict: {} as TrustedNode['verdict'],
                    gpu: null,
                    dispatcherUrl,
                    hub: hubAddress,
                    offer: offers.current,
                    certificates: [...keyring.certificates()],
                    load: { inFlight: 0, queued: 0, maxConcurrency: 16, firstFrameMsP50: null, failureShare: 0 },
                    checkedAtMs: systemClock.monotonicMs(),
                },
            ];
        },
        offers: (model: string, capability: string) => new PickIndex(directory.trusted).offers(model, capability),
        isUsable: () => true,
        waysTo: ({ dispatcherUrl: way }: { dispatcherUrl: string }) => [way],
        problem: '',
        evidence: new Map(),
        ban: () => undefined,
        avoid: () => undefined,
        notBegun: () => undefined,
        leaveDispatcher: () => undefined,
    };
    const gateway = new RestartableGateway(async () => {
        const ledger = new GatewayLedger({ file: path.join(folder, 'gateway.sqlite') });
        await ledger.recover(Date.now());
        const account = { hub: hubAddress, escrow, book: new EscrowBook({ read }) };
        const service = new GatewayService({
            ...common,
            hubs: { main: account, accountAt: () => account, all: () => [account] },
            session,
            ledger,
            directory: directory as unknown as NodeDirectory,
            dispatchers: new Map([[dispatcherUrl, client]]),
            maxOutputPriceNano: undefined,
            requestTimeoutMs: 30_000,
        });
        const server = createGatewayServer({
            service,
            idempotency: new IdempotencyBook({
                ledger,
                keys: new IdempotencyKeys(Buffer.alloc(32, 7)),
                logger: silentLogger(),
                clock: systemClock,
                graceMs: idempotencyGraceMs,
            }),
            logger: silentLogger(),
            maxBodyBytes: 16 * 1024 * 1024,
            apiKeys: null,
        });
        const url = await server.listen({ host: '127.0.0.1', port: 0 });
        const stop = async () => {
            await server.close();
            ledger.close();
        };
        return { url, ledger, stop };
    });
    await gateway.start();
    const endings: (() => Promise<unknown> | void)[] = [
        () => upstream.stop(),
        () => log.close(),
        () => engine.close(),
        () => dispatcherLedger.close(),
        async () => {
            await dispatcher.drain(2_000);
            await relayServer.close();
        },
        () => node.stop(0),
        () => client.close(),
        () => gateway.stop(),
    ];
    return {
        upstream,
        endings,
        restartGateway: () => gateway.restart(),
        get url() {
            return gateway.running!.url;
        },
        get ledger() {
            return gateway.running!.ledger;
        },
    };
}

interface StartedGateway {
    url: string;
    ledger: GatewayLedger;
    stop(): Promise<void>;
}

class RestartableGateway {
    running: StartedGateway | undefined;

    constructor(private readonly open: () => Promise<StartedGateway>) {}

    async start(): Promise<void> {
        this.running = await this.open();
    }

    /** Comes up at another address. */
    async restart(): Promise<void> {
        await this.stop();
        await this.start();
    }

    async stop(): Promise<void> {
        await this.running?.stop();
        this.running = undefined;
    }
}
