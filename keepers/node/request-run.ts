import type { Clock, Logger } from '../base';
import {
    AnswerSealer,
    bindingOfEnvelope,
    costNano,
    type SealedReceipt,
    type Signer,
    usageProblem,
    usageWithin,
    withLiveCap,
} from '../confidential';
import type { NodeLog } from '../ledger';
import { asAnswerError, type Outcome, outcomeOf } from './answer-errors';
import { Coalescer } from './coalescer';
import {
    type Engine,
    EngineError,
    type EngineEvent,
    type EngineRequest,
    type EngineUsage,
    NOTHING_USED,
} from './engine';
import type { AdmittedRequest } from './request-gate';
import { WindowWait } from './window-wait';

export interface RequestRunOptions {
    request: AdmittedRequest;
    engine: Engine;
    /** Keeps what the engine caches of this client from others; without it the engine shares nothing. */
    cacheSalt?: string;
    signer: Signer;
    log: NodeLog;
    /** @param when `soon`: a few milliseconds more do no harm, or what comes next takes it along */
    send: (wire: Buffer, when: 'now' | 'soon') => void;
    logger: Logger;
    clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
    /** How long an answer stands still for a raised cap. */
    raiseTimeoutMs?: number;
}

/** A checkpoint is signed whenever the cost has grown by this share of the worst case, and at least this often. */
const checkpointShare = 8n;
const checkpointIntervalMs = 2_000;

/**
 * One answer: engine events in, sealed frames out, receipts on the way. Every receipt is in the node's own log before
 * the frame that carries it leaves, so a provider can always be paid for what a client has seen.
 */
export class RequestRun {
    private readonly sealer: AnswerSealer;
    private readonly coalescer = new Coalescer((batch) => this.sendBody(batch));
    private readonly windows: WindowWait | undefined;
    /** Bytes of a windowed answer that no count covers yet. */
    private held: Buffer[] = [];
    private stage: 'new' | 'headed' | 'ended' = 'new';
    private usage: EngineUsage = NOTHING_USED;
    private lastBillable: EngineUsage = NOTHING_USED;
    private faultLogged = false;
    private begun = false;
    private bodyBegun = false;
    private checkpointNano = 0n;
    private checkpointAtMs: number;
    private readonly startedAtMs: number;
    /** What the client asked wrongly is an answer too: which it was stands inside the seal alone. */
    outcome: Outcome = 'answered';
    /** Until the engine's first word; undefined when there was none. */
    firstFrameMs: number | undefined;

    constructor(private readonly options: RequestRunOptions) {
        const { request, signer } = options;
        this.sealer = new AnswerSealer({
            to: withLiveCap(bindingOfEnvelope(request.envelope), () => request.meter.highestNano),
            cek: request.cek,
            modelIndex: request.modelIndex,
            signer,
        });
        this.checkpointAtMs = this.startedAtMs = options.clock.monotonicMs();
        const { metered, windowNano, envelope } = request;
        const ask = () => this.askForWindow();
        if (envelope.context.windowed)
            this.windows = new WindowWait({ metered, windowNano, ask, timeoutMs: options.raiseTimeoutMs });
    }

    /** The meter has a new cap for this request. */
    raised(): void {
        this.windows?.raised();
    }

    /** Runs to the end whatever happens; the final receipt is in the log when it resolves. */
    async run(signal: AbortSignal): Promise<SealedReceipt> {
        const { request, send } = this.options;
        try {
            await this.relayEngine(signal);
            const final = await this.sign((figures) => this.sealer.final(this.billable(), figures), true);
            send(final.wire, 'now');
            return final;
        } finally {
            request.meter.close(request.metered);
            request.cek.fill(0);
        }
    }

    /** With the engine's first word and not before: until then another node may take the request over, unseen by its caller. */
    private begin(): void {
        if (this.begun) return;
        this.begun = true;
        // Nothing of this is the client's yet: the first token takes it along.
        this.options.send(this.sealer.start(), 'soon');
    }

    /** The first token is what a client waits for; those behind it may wait for company. */
    private sendBody(batch: Buffer): void {
        this.options.send(this.sealer.body(batch), this.bodyBegun ? 'soon' : 'now');
        this.bodyBegun = true;
    }

    private async relayEngine(signal: AbortSignal): Promise<void> {
        const { request, engine, cacheSalt, send, logger } = this.options;
        const inner = { ...request.inner, ...(cacheSalt !== undefined && { cacheSalt }) } as EngineRequest;
        try {
            for await (const event of engine.run(inner, signal)) {
                const busy = this.on(event, signal);
                if (busy !== undefined) await busy;
            }
            if (this.stage !== 'ended') throw new EngineError('usage_missing', 'the engine did not say what it used');
        } catch (error) {
            this.begin();
            this.coalescer.flush();
            const told = asAnswerError(error, logger);
            this.outcome = outcomeOf(told);
            send(this.sealer.error(told), 'now');
        }
    }

    /** Out of order, an event would fail where nobody catches it: in the timer of the next batch. */
    private on(event: EngineEvent, signal: AbortSignal): Promise<void> | undefined {
        if ((event.type === 'head') !== (this.stage === 'new') || this.stage === 'ended')
            throw new EngineError('engine_failed', 'the engine broke off its own answer');
        if (event.type === 'head') {
            this.stage = 'headed';
            this.firstFrameMs = this.options.clock.monotonicMs() - this.startedAtMs;
            this.begin();
            const head = this.sealer.head({ status: event.status, headers: clientHeaders(event.headers) });
            this.options.send(head, 'soon');
            return undefined;
        }
        if (event.type === 'end') return this.onEnd(event.usage, signal);
        if (this.windows !== undefined) this.held.push(event.data);
        else this.coalescer.add(event.data);
        return event.usage === undefined ? undefined : this.onUsage(event.usage, signal);
    }

    private async onEnd(usage: EngineUsage, signal: AbortSignal): Promise<void> {
        await this.release(usage, signal);
        this.stage = 'ended';
        this.usage = usage;
        this.coalescer.flush();
    }

    /**
     * What is due is signed once the answer goes on beyond it: with the last count the final receipt follows at once, and for
     * an engine that counts in its last words alone a checkpoint would be a second signature and sync for nothing.
     */
    private async onUsage(usage: EngineUsage, signal: AbortSignal): Promise<void> {
        await this.release(usage, signal);
        if (usage.completionTokens > this.usage.completionTokens) await this.checkpointIfDue();
        this.usage = usage;
        // The last count that makes sense is what is charged if none follows.
        this.billable();
    }

    /** Within a window nothing leaves before the cap covers what it costs. */
    private async release(usage: EngineUsage, signal: AbortSignal): Promise<void> {
        if (this.windows === undefined) return;
        if (usageProblem(usage) === undefined)
            await this.windows.cover(costNano(this.options.request.terms, usage), signal);
        for (const data of this.held.splice(0)) this.coalescer.add(data);
    }

    /** The gateway gives more where it sees what the last window was used for. */
    private async askForWindow(): Promise<void> {
        if (this.stage === 'new') return;
        await this.checkpoint();
        this.options.send(this.sealer.window(), 'now');
    }

    private async checkpointIfDue(): Promise<void> {
        const { request, clock } = this.options;
        const grownNano = this.costNano() - this.checkpointNano;
        const late = clock.monotonicMs() - this.checkpointAtMs >= checkpointIntervalMs;
        if (grownNano * checkpointShare < request.metered.allowanceNano && !(late && grownNano > 0n)) return;
        await this.checkpoint();
    }

    private async checkpoint(): Promise<void> {
        const { clock, send } = this.options;
        this.coalescer.flush();
        this.checkpointNano = this.costNano();
        this.checkpointAtMs = clock.monotonicMs();
        const checkpoint = await this.sign((figures) => this.sealer.checkpoint(this.billable(), figures), false);
        send(checkpoint.wire, 'soon');
    }

    private costNano(): bigint {
        return costNano(this.options.request.terms, this.billable());
    }

    /**
     * An engine that counts nonsense is at fault. One that counts more than the request allowed did that work, perhaps since
     * the client found a way to ask for it: the client pays all that was reserved, no more. One that ends cheaper than it counted on the way (cached tokens known late) keeps to what is signed.
     */
    private billable(): EngineUsage {
        const { terms, metered, mostTokens } = this.options.request;
        if (usageProblem(this.usage) !== undefined) this.logFault('the engine counted what cannot be');
        else {
            const isOver = costNano(terms, this.usage) > metered.allowanceNano;
            if (isOver) this.logFault('the engine counted more than the request allows');
            const usage = isOver ? usageWithin(this.usage, mostTokens) : this.usage;
            const nano = costNano(terms, usage);
            if (nano <= metered.allowanceNano && nano >= metered.costNano) this.lastBillable = usage;
        }
        return this.lastBillable;
    }

    private logFault(fault: string): void {
        if (this.faultLogged) return;
        this.faultLogged = true;
        const { logger, request } = this.options;
        logger.error({ requestId: request.envelope.context.requestId.toString('hex') }, fault);
    }

    private async sign(
        seal: (figures: ReturnType<AdmittedRequest['meter']['charge']>) => SealedReceipt,
        final: boolean,
    ): Promise<SealedReceipt> {
        const { request, log, clock } = this.options;
        const sealed = seal(request.meter.charge(request.metered, this.costNano()));
        const { escrow, epoch } = request.envelope.context;
        await log.append({
            escrow,
            epoch,
            receipt: sealed.receipt,
            signature: sealed.nodeSignature,
            cap: request.meter.capOf(request.metered),
            final,
            atMs: clock.nowMs(),
        });
        return sealed;
    }
}

/** What of an engine's headers a client needs; lengths and connection handling are the gateway's own. */
function clientHeaders(headers: Record<string, string>): Record<string, string> {
    const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
    return type !== undefined && /^[\x20-\x7e]{1,200}$/.test(type) ? { 'content-type': type } : {};
}
