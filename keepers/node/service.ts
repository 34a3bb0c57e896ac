import type { GpuDocument } from '../attestation';
import { type Clock, CocoonError, type Logger } from '../base';
import {
    ConfidentialError,
    decodeCapRaise,
    type KemKeyring,
    parseEnvelope,
    type ParsedEnvelope,
    type Signer,
    signHello,
} from '../confidential';
import type { Challenge } from '../dispatch';
import type { NodeLog } from '../ledger';
import type { NodeMetrics, ObservedRequest } from '../telemetry';
import { CacheSalts } from './cache-salt';
import { DispatcherLink } from './dispatcher-link';
import type { EarningsTally } from './earnings-tally';
import type { Engine } from './engine';
import { EngineWatch } from './engine-watch';
import { NodeRefusal } from './errors';
import type { OfferBook } from './offers';
import { Orphanage } from './orphanage';
import type { AdmittedRequest, RequestGate } from './request-gate';
import { RequestRun } from './request-run';

/** Bundle, quote (or SEV-SNP report) and certificate of the report's key in base64, the rest of its chain in PEM. */
export interface ShownEvidence {
    bundle: string;
    quote: string;
    /** Of the GPUs that the bundle names. */
    gpuEvidence?: GpuDocument;
    snp?: { vek: string; chain: string };
}

export interface NodeServiceOptions {
    network: Buffer;
    hub: Buffer;
    dispatcherUrl: string;
    signer: Signer;
    /** What the hello carries besides signatures, ready for JSON. */
    evidence: ShownEvidence & { collateral: Record<string, string> | null };
    keyring: KemKeyring;
    offers: OfferBook;
    gate: RequestGate;
    engine: Engine;
    log: NodeLog;
    tally?: Pick<EarningsTally, 'add'>;
    metrics?: NodeMetrics;
    clock: Clock;
    logger: Logger;
    /** How long an answer stands still for a raised cap. */
    raiseTimeoutMs?: number;
}

/** Since the start; counts only. */
export interface NodeActivity {
    answered: number;
    /** By refusal code. */
    refused: Record<string, number>;
    lastAtMs: number | null;
    /** Why no dispatcher is connected. */
    problem: string | null;
}

const housekeepingMs = 5_000;

/** Serves sealed requests that a dispatcher relays: admit, run, seal, sign. */
export class NodeService {
    private readonly link: DispatcherLink;
    private readonly running = new Map<string, AbortController>();
    private readonly served = new Map<string, { request: AdmittedRequest; run: RequestRun }>();
    private readonly done = new Set<Promise<void>>();
    private readonly orphans = new Orphanage();
    private readonly cacheSalts = new CacheSalts();
    private readonly engineWatch: EngineWatch;
    private timer: NodeJS.Timeout | undefined;
    private draining = false;
    private broken = false;
    private answered = 0;
    private readonly refused = new Map<string, number>();
    private lastAtMs: number | null = null;

    private evidence: NodeServiceOptions['evidence'];

    constructor(private readonly options: NodeServiceOptions) {
        this.evidence = options.evidence;
        this.engineWatch = new EngineWatch(options);
        this.link = new DispatcherLink({
            url: options.dispatcherUrl,
            hello: (challenge) => this.hello(challenge),
            onRequest: (envelope) => this.onRequest(envelope),
            onCancel: (requestId) => this.running.get(requestId.toString('hex'))?.abort(new Error('cancelled')),
            onRaise: (requestId, raise) => void this.onRaise(requestId, raise),
            onTaken: (requestId) => this.orphans.taken(requestId),
            onConnected: () => this.onConnected(),
            onDisconnected: () => this.onDisconnected(),
            logger: options.logger,
            clock: options.clock,
        });
    }

    async start(): Promise<void> {
        await this.options.keyring.tick();
        this.options.offers.renewIfDue();
        this.engineWatch.start();
        this.link.start();
        this.timer = setInterval(() => this.keepHouse(), housekeepingMs);
    }

    get connected(): boolean {
        return this.link.connected;
    }

    get inFlight(): number {
        return this.running.size;
    }

    /** Null while requests are begun; else why not. */
    get engineProblem(): string | null {
        return this.engineWatch.refusal?.message ?? null;
    }

    /** Whether new requests are refused; those under way go on. */
    setDraining(draining: boolean): void {
        this.draining = draining || this.broken;
    }

    /** An answer could not be signed and logged: only a restart helps. */
    get stoppedServing(): boolean {
        return this.broken;
    }

    get activity(): NodeActivity {
        const { answered, lastAtMs } = this;
        return { answered, refused: Object.fromEntries(this.refused), lastAtMs, problem: this.link.problem };
    }

    /** The offer changed before its time: sign it anew and show it at once. */
    publishOffer(): void {
        if (this.options.offers.renewIfDue()) this.link.update(this.update());
    }

    /** No new requests; those under way end, until `graceMs` has passed and they are cancelled. */
    async stop(graceMs: number): Promise<void> {
        this.draining = true;
        clearInterval(this.timer);
        this.engineWatch.stop();
        const over = new AbortController();
        const grace = this.options.clock.sleep(graceMs, over.signal).catch(() => undefined);
        await Promise.race([Promise.all(this.done), grace]);
        over.abort();
        this.abortAll('stopping');
        await Promise.all(this.done);
        await this.link.stop();
        this.options.keyring.close();
    }

    /** The same key, attested anew: shown to the dispatcher at once, and in every hello from now on. */
    replaceEvidence(evidence: ShownEvidence): void {
        this.evidence = { ...this.evidence, ...evidence };
        this.link.update({ ...this.update(), evidence });
    }

    private hello(challenge: Challenge): object | null {
        const { network, hub, signer } = this.options;
        if (!challenge.network.equals(network) || !challenge.hub.equals(hub)) return null;
        return {
            nodeKey: signer.publicKey.toString('hex'),
            ...this.evidence,
            ...this.terms(),
            signature: signHello(challenge, signer).toString('base64'),
        };
    }

    private terms(): { kemCertificates: string[]; offer: string } {
        return {
            kemCertificates: this.options.keyring.certificates().map(({ signed }) => signed.toString('base64')),
            offer: this.options.offers.current.signed.toString('base64'),
        };
    }

    private keepHouse(): void {
        this.housekeeping().catch((error: unknown) =>
            this.options.logger.error({ err: error }, 'keys or offer could not be renewed'),
        );
    }

    private async housekeeping(): Promise<void> {
        const rotated = await this.options.keyring.tick();
        const renewed = this.options.offers.renewIfDue();
        if (rotated || renewed) this.link.update(this.update());
        this.sendOrphans();
    }

    private update() {
        return { ...this.terms(), inFlight: this.running.size, queued: 0 };
    }

    private onConnected(): void {
        this.options.logger.info({ dispatcher: this.options.dispatcherUrl }, 'connected to the dispatcher');
        this.sendOrphans();
    }

    /** Nobody would read the rest of these answers; what was done is signed and waits for the next connection. */
    private onDisconnected(): void {
        this.abortAll('dispatcher connection lost');
    }

    private abortAll(reason: string): void {
        for (const controller of this.running.values()) controller.abort(new Error(reason));
    }

    private sendOrphans(): void {
        for (const { requestId, orphan } of this.orphans.all) this.link.sendOrphan(requestId, orphan);
    }

    private onRequest(bytes: Buffer): void {
        const envelope = readEnvelope(bytes);
        // The dispatcher parsed the same bytes: what does not parse here came from something else.
        if (envelope === undefined)
            return this.options.logger.warn('the dispatcher sent something that is no envelope');
        const { requestId } = envelope.context;
        const id = requestId.toString('hex');
        this.lastAtMs = this.options.clock.nowMs();
        if (this.running.has(id)) return this.refuse(requestId, new NodeRefusal('request_replayed', 'it is running'));
        // Before the first wait: a cancellation that comes while the request is being admitted must find it.
        const controller = new AbortController();
        this.running.set(id, controller);
        const work = this.answer(envelope, controller).finally(() => {
            this.running.delete(id);
            this.done.delete(work);
        });
        this.done.add(work);
    }

    private async answer(envelope: ParsedEnvelope, controller: AbortController): Promise<void> {
        const { requestId } = envelope.context;
        const observed = this.options.metrics?.requests.begin();
        let request: AdmittedRequest;
        try {
            if (this.draining) throw new NodeRefusal('node_draining', 'the node is stopping');
            const notReady = this.engineWatch.refusal;
            if (notReady !== undefined) throw notReady;
            request = await this.options.gate.admit(envelope);
        } catch (error) {
            observed?.end(error instanceof NodeRefusal ? error.code : 'unexpected');
            return this.refuse(requestId, error);
        }
        await this.serve(request, controller, observed);
    }

    private refuse(requestId: Buffer, error: unknown): void {
        const refusal =
            error instanceof NodeRefusal ? error : new NodeRefusal('node_busy', 'the node failed before it began');
        if (refusal !== error)
            this.options.logger.error(
                { err: error instanceof CocoonError ? error.code : 'unknown' },
                'admission failed',
            );
        this.options.logger.debug({ code: refusal.code }, 'request refused');
        const { code, message, retryAfterMs } = refusal;
        this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
        this.link.refuse(requestId, { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) });
    }

    private async serve(
        request: AdmittedRequest,
        controller: AbortController,
        observed: ObservedRequest | undefined,
    ): Promise<void> {
        const { engine, signer, log, logger, clock, raiseTimeoutMs } = this.options;
        const { requestId, deadlineMs } = request.envelope.context;
        const leftMs = Math.max(deadlineMs - clock.nowMs(), 0);
        const deadline = setTimeout(() => controller.abort(new Error('deadline passed')), leftMs);
        try {
            const send = (wire: Buffer, when: 'now' | 'soon') => this.link.sendFrames(requestId, wire, when);
            const cacheSalt = this.cacheSalts.saltOf(request.envelope, request.inner.body);
            const nowMs = () => clock.nowMs();
            const run = new RequestRun({
                request,
                engine,
                cacheSalt,
                signer,
                log,
                send,
                logger,
                nowMs,
                raiseTimeoutMs,
            });
            this.served.set(requestId.toString('hex'), { request, run });
            const final = await run.run(controller.signal);
            this.orphans.add(request, final);
            this.answered += 1;
            this.options.tally?.add(request.terms.model, final.receipt.costNano);
            this.options.metrics?.earnedNano(final.receipt.costNano);
            observed?.end(run.outcome, run.firstFrameMs);
        } catch (error) {
            observed?.end('receipt_not_kept');
            logger.error(
                { err: error instanceof Error ? error.message : 'unknown', request: requestId.toString('hex') },
                'an answer could not be signed and logged: the node serves no more, restart it',
            );
            await this.giveUp();
        } finally {
            this.served.delete(requestId.toString('hex'));
            clearTimeout(deadline);
        }
    }

    /** One that does not hold changes nothing: the answer goes on within the cap that it has. */
    private async onRaise(requestId: Buffer, bytes: Buffer): Promise<void> {
        const served = this.served.get(requestId.toString('hex'));
        if (served === undefined) return;
        try {
            await this.options.gate.raise(served.request, decodeCapRaise(bytes));
            served.run.raised();
        } catch (error) {
            const code: unknown = error instanceof CocoonError ? error.code : 'unknown';
            this.options.logger.warn({ code, request: requestId.toString('hex') }, 'a raised cap was not taken');
        }
    }

    /** Without receipts on disk the node must not go on as if it were paid, nor keep anyone waiting. */
    private async giveUp(): Promise<void> {
        this.draining = this.broken = true;
        await this.link.stop();
    }
}

function readEnvelope(bytes: Buffer): ParsedEnvelope | undefined {
    try {
        return parseEnvelope(bytes);
    } catch (error) {
        if (error instanceof ConfidentialError) return undefined;
        throw error;
    }
}
