import { type Clock, CocoonError, type Logger } from '../base';
import {
    ConfidentialError,
    decodeCapRaise,
    parseEnvelope,
    type ParsedEnvelope,
    type SealedReceipt,
    type Signer,
} from '../confidential';
import { DispatchError, WorkQueue } from '../dispatch';
import type { NodeLog } from '../ledger';
import type { NodeMetrics, ObservedRequest } from '../telemetry';
import { CacheSalts } from './cache-salt';
import { Deliveries } from './deliveries';
import type { Delivery } from './delivery';
import type { PlacedLink } from './dispatcher-links';
import type { EarningsTally } from './earnings-tally';
import type { Engine } from './engine';
import { NodeRefusal } from './errors';
import type { AdmittedRequest, RequestGate } from './request-gate';
import { RequestRun } from './request-run';

export interface RequestDeskOptions {
    gate: RequestGate;
    engine: Engine;
    signer: Signer;
    log: NodeLog;
    tally?: Pick<EarningsTally, 'add'>;
    metrics?: NodeMetrics;
    clock: Clock;
    logger: Logger;
    /** How long an answer stands still for a raised cap. */
    raiseTimeoutMs?: number;
    /** How long a request whose connection broke works on, for another replica to take it over. */
    resumeGraceMs?: number;
    /** Why no request is begun at the moment. */
    notReady: () => NodeRefusal | undefined;
    onFinal: (request: AdmittedRequest, final: SealedReceipt, hub: Buffer) => void;
    /** An answer could not be signed and logged. */
    onUnkept: () => Promise<void>;
}

/** A request that is here, waiting or worked on. */
interface Entry {
    controller: AbortController;
    delivery: Delivery;
    /** Runs while nobody would get the answer. */
    drift?: NodeJS.Timeout;
    served?: { request: AdmittedRequest; run: RequestRun };
}

const defaultResumeGraceMs = 5_000;
/** What replicas, each of which fills every place, may have waiting here. */
const waitingPerPlace = 3;
/** Memory for answers that another replica may ask for again, shared by all places. */
const keptBytes = { total: 128 * 1024 * 1024, least: 64 * 1024, most: 1024 * 1024 };

/** The requests of a node, whichever connection brought them: admitted, worked on and delivered, each once. */
export class RequestDesk {
    private readonly entries = new Map<string, Entry>();
    private readonly done = new Set<Promise<void>>();
    private readonly cacheSalts = new CacheSalts();
    private readonly queue: WorkQueue;
    private readonly deliveries: Deliveries;
    private readonly refused = new Map<string, number>();
    private answered = 0;
    private lastAtMs: number | null = null;

    constructor(private readonly options: RequestDeskOptions) {
        // Over all dispatchers together.
        const places = options.engine.maxConcurrency;
        this.queue = new WorkQueue(places, places * waitingPerPlace);
        const share = Math.floor(keptBytes.total / places);
        const maxKeptBytes = Math.min(Math.max(share, keptBytes.least), keptBytes.most);
        this.deliveries = new Deliveries({ clock: options.clock, maxKeptBytes, maxTotalBytes: keptBytes.total });
    }

    get inFlight(): number {
        return this.entries.size;
    }

    get waiting(): number {
        return this.queue.waiting;
    }

    get activity() {
        const { answered, lastAtMs } = this;
        return { answered, lastAtMs, refused: Object.fromEntries(this.refused) };
    }

    begin(bytes: Buffer, from: PlacedLink): void {
        const envelope = this.read(bytes);
        if (envelope === undefined) return;
        const { requestId } = envelope.context;
        // The answer under way goes on to where it went: whoever repeats a request gets no more than a refusal.
        if (this.entries.has(requestId.toString('hex'))) {
            const refusal = this.refusalOf(new NodeRefusal('request_replayed', 'it is running'));
            return from.link.refuse(requestId, refusal);
        }
        this.take(envelope, from);
    }

    /** Another replica takes over a request that may be here: its answer goes there from the start, and is worked on once. */
    resume(bytes: Buffer, from: PlacedLink): void {
        const envelope = this.read(bytes);
        if (envelope === undefined) return;
        const { requestId } = envelope.context;
        const known = this.deliveries.find(requestId);
        if (known === undefined) return this.take(envelope, from);
        const { requestHash } = envelope;
        if (known.isOf({ requestHash, hub: from.place.hub }) && known.resume(from.link)) {
            clearTimeout(this.entries.get(requestId.toString('hex'))?.drift);
            return this.options.logger.info(
                { request: requestId.toString('hex'), dispatcher: from.place.url },
                'a request was taken over by another replica',
            );
        }
        const refusal = new NodeRefusal('answer_not_kept', 'its answer cannot be sent from the start any more');
        from.link.refuse(requestId, this.refusalOf(refusal));
    }

    cancel(requestId: Buffer, from: PlacedLink): void {
        const entry = this.entries.get(requestId.toString('hex'));
        // Of a replica from which another took it over: it does not know yet.
        if (entry === undefined || !entry.delivery.goesBy(from.link)) return;
        entry.controller.abort(new Error('cancelled'));
    }

    /** One that does not hold changes nothing: the answer goes on within the cap that it has. */
    async raise(requestId: Buffer, bytes: Buffer): Promise<void> {
        const served = this.entries.get(requestId.toString('hex'))?.served;
        if (served === undefined) return;
        try {
            await this.options.gate.raise(served.request, decodeCapRaise(bytes));
            served.run.raised();
        } catch (error) {
            const code: unknown = error instanceof CocoonError ? error.code : 'unknown';
            this.options.logger.warn({ code, request: requestId.toString('hex') }, 'a raised cap was not taken');
        }
    }

    /** For a while the answers go on and are kept; those that no replica asks for end, signed for what was done. */
    disconnected({ link }: PlacedLink): void {
        const { resumeGraceMs = defaultResumeGraceMs } = this.options;
        for (const { options } of this.deliveries.leave(link)) {
            const entry = this.entries.get(options.requestId.toString('hex'));
            if (entry === undefined) continue;
            const giveUp = () => entry.controller.abort(new Error('dispatcher connection lost'));
            entry.drift = setTimeout(giveUp, resumeGraceMs);
        }
    }

    keepHouse(): void {
        this.deliveries.expire();
    }

    /** Those under way end, until `graceMs` has passed and they are cancelled. */
    async finish(graceMs: number): Promise<void> {
        const over = new AbortController();
        const grace = this.options.clock.sleep(graceMs, over.signal).catch(() => undefined);
        await Promise.race([Promise.all(this.done), grace]);
        over.abort();
        for (const { controller } of this.entries.values()) controller.abort(new Error('stopping'));
        await Promise.all(this.done);
    }

    /** The dispatcher parsed the same bytes: what does not parse here came from something else. */
    private read(bytes: Buffer): ParsedEnvelope | undefined {
        const envelope = readEnvelope(bytes);
        if (envelope === undefined) this.options.logger.warn('the dispatcher sent something that is no envelope');
        else this.lastAtMs = this.options.clock.nowMs();
        return envelope;
    }

    private take(envelope: ParsedEnvelope, { link, place }: PlacedLink): void {
        const { requestId } = envelope.context;
        const id = requestId.toString('hex');
        const delivery = this.deliveries.begin({ requestId, requestHash: envelope.requestHash, hub: place.hub }, link);
        // Before the first wait: a cancellation that comes while the request is being admitted must find it.
        const entry: Entry = { controller: new AbortController(), delivery };
        this.entries.set(id, entry);
        const work = this.answer(envelope, entry).finally(() => {
            clearTimeout(entry.drift);
            this.entries.delete(id);
            this.deliveries.end(requestId);
            this.done.delete(work);
        });
        this.done.add(work);
    }

    private async answer(envelope: ParsedEnvelope, entry: Entry): Promise<void> {
        const observed = this.options.metrics?.requests.begin();
        const { requestId, nodeKey } = envelope.context;
        observed?.trace(requestId, nodeKey.toString('hex'));
        try {
            this.requireReady();
            await this.queue.run(
                envelope.context.escrow.toString('hex'),
                () => this.admitAndServe(envelope, entry, observed),
                entry.controller.signal,
            );
        } catch (error) {
            observed?.end(error instanceof NodeRefusal ? error.code : 'unexpected');
            entry.delivery.refuse(this.refusalOf(asRefusal(error, entry.controller.signal)));
        }
    }

    private requireReady(): void {
        const notReady = this.options.notReady();
        if (notReady !== undefined) throw notReady;
    }

    /** @throws NodeRefusal before anything was sent */
    private async admitAndServe(
        envelope: ParsedEnvelope,
        entry: Entry,
        observed: ObservedRequest | undefined,
    ): Promise<void> {
        // It may have waited long.
        this.requireReady();
        const request = await this.options.gate.admit(envelope, entry.delivery.options.hub);
        await this.serve(request, entry, observed);
    }

    private refusalOf(refusal: unknown): { code: string; message: string; retryAfterMs?: number } {
        const known = refusal instanceof NodeRefusal;
        if (!known) {
            const code = refusal instanceof CocoonError ? (refusal as CocoonError).code : 'unknown';
            this.options.logger.error({ err: code }, 'admission failed');
        }
        const { code, message, retryAfterMs } = known
            ? refusal
            : new NodeRefusal('node_busy', 'the node failed before it began');
        this.options.logger.debug({ code }, 'request refused');
        this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
        return { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }

    private async serve(request: AdmittedRequest, entry: Entry, observed: ObservedRequest | undefined): Promise<void> {
        const { engine, signer, log, logger, clock, raiseTimeoutMs, onFinal, onUnkept } = this.options;
        const { requestId, deadlineMs } = request.envelope.context;
        const { delivery, controller } = entry;
        const leftMs = Math.max(deadlineMs - clock.nowMs(), 0);
        const deadline = setTimeout(() => controller.abort(new Error('deadline passed')), leftMs);
        try {
            const send = (wire: Buffer, when: 'now' | 'soon') => delivery.send(wire, when);
            const cacheSalt = this.cacheSalts.saltOf(request.envelope, request.inner.body);
            const run = new RequestRun({
                request,
                engine,
                cacheSalt,
                signer,
                log,
                send,
                logger,
                clock,
                raiseTimeoutMs,
            });
            entry.served = { request, run };
            const final = await run.run(controller.signal);
            onFinal(request, final, delivery.options.hub);
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
            await onUnkept();
        } finally {
            entry.served = undefined;
            clearTimeout(deadline);
        }
    }
}

/** Of what kept a request from beginning. */
function asRefusal(error: unknown, { aborted }: AbortSignal): unknown {
    if (error instanceof DispatchError && error.code === 'node_busy')
        return new NodeRefusal('node_busy', 'as many requests wait here as may: try another', error.retryAfterMs);
    if (aborted && !(error instanceof NodeRefusal))
        return new NodeRefusal('node_busy', 'it was cancelled before its turn came');
    return error;
}

function readEnvelope(bytes: Buffer): ParsedEnvelope | undefined {
    try {
        return parseEnvelope(bytes);
    } catch (error) {
        if (error instanceof ConfidentialError) return undefined;
        throw error;
    }
}
