import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { buildConnector, Dispatcher } from 'undici';
import { z } from 'zod';
import { type Dialect, dialects, type DialectName } from './dialect';
import type { EngineCapacity } from './capacity';
import { Engine, EngineEvent, EngineHealth, EngineModel, EngineRequest } from './engine';
import { EngineApi } from './engine-api';
import { DeliveredTokens } from './delivered-tokens';
import { EngineError } from './errors';
import { FlowingBody } from './flowing-body';
import { SlotPool } from './slot-pool';
import { relayRefusal, relayStream, relayWhole } from './upstream-answer';
import { TextUsage, type TokenCounter } from './text-usage';
import { engineErrorFrom } from './upstream-errors';
import { prepareUpstreamRequest, UpstreamRequest } from './upstream-request';

export interface OpenAiCompatibleOptions {
    /** 'http://127.0.0.1:8000' or '…/v1': vLLM, SGLang, llama.cpp's server, Ollama. */
    baseUrl: string;
    apiKey?: string;
    dialect?: DialectName;
    /** Of those that the server lists; all of them by default. */
    models?: readonly string[];
    maxConcurrency?: number;
    maxWaiting?: number;
    /** For servers whose model list does not say it (Ollama), or that serve less than the model could. */
    contextLength?: number;
    capabilities?: readonly string[];
    /** Counts where the engine does not; closed with the engine. */
    tokenizer?: TokenCounter;
    /** A running count with every chunk, where the dialect has it. */
    continuousUsage?: boolean;
    /** Until the first byte of the answer; a whole answer that isn't streamed is computed within it. */
    firstByteTimeoutMs?: number;
    /** Between two pieces of an answer. */
    idleTimeoutMs?: number;
    connectTimeoutMs?: number;
    /** In place of the runtime's own way to connect. */
    connector?: buildConnector.connector;
    maxAnswerBytes?: number;
}

/** Sees an exchange byte for byte as it crosses the wire, for whoever checks a signature over it. */
export interface WireTap {
    sent(body: Buffer): void;
    received(bytes: Uint8Array): void;
}

const DEFAULTS = {
    dialect: 'plain' as DialectName,
    maxConcurrency: 16,
    maxWaiting: 64,
    capabilities: ['chat.completions', 'completions'] as readonly string[],
    firstByteTimeoutMs: 300_000,
    idleTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
    maxAnswerBytes: 64 * 1024 * 1024,
};

/** A reader that stopped reading without leaving cannot hold up the shutdown longer than this. */
const DRAIN_MS = 1_000;

/** What an engine is asked besides requests must not hold these up. */
const SIDE_TIMEOUT_MS = 5_000;

/** vLLM and SGLang say `max_model_len`; what is missing must come from the dialect's own routes or the configuration. */
const modelList = z.object({ data: z.array(z.object({ id: z.string(), max_model_len: z.number().int().nullish() })) });

/** Drives any OpenAI-compatible server by its base URL. */
export class OpenAiCompatibleEngine implements Engine {
    readonly maxConcurrency: number;
    private readonly options: OpenAiCompatibleOptions & typeof DEFAULTS;
    private readonly dialect: Dialect;
    private readonly api: EngineApi;
    private readonly slots: SlotPool<number>;
    /** By model, whose prompt an engine without salts has in its cache. */
    private readonly remembered = new Map<string, string>();

    constructor(options: OpenAiCompatibleOptions) {
        this.options = { ...DEFAULTS, ...definedOnly(options) };
        this.dialect = dialects[this.options.dialect];
        this.maxConcurrency = this.dialect.forget ? 1 : this.options.maxConcurrency;
        this.slots = new SlotPool([...Array(this.maxConcurrency).keys()], this.options.maxWaiting);
        this.api = new EngineApi(this.options);
    }

    get countsAsItGoes(): boolean {
        return this.options.continuousUsage ?? this.dialect.continuousUsage;
    }

    get capabilities(): readonly string[] {
        return this.options.capabilities;
    }

    async models(signal: AbortSignal): Promise<string[]> {
        return (await this.listModels(signal)).map(({ id }) => id);
    }

    async describe(signal: AbortSignal): Promise<EngineModel[]> {
        const listed = await this.listModels(signal);
        const told = listed.every((model) => this.options.contextLength ?? model.max_model_len)
            ? new Map<string, number>()
            : (await this.capacity(signal, listed)).contextLengths;
        return listed.map(({ id, max_model_len }) => {
            const contextLength = this.options.contextLength ?? max_model_len ?? told.get(id);
            if (contextLength) return { id, contextLength, capabilities: this.options.capabilities };
            throw new EngineError('engine_failed', `the engine names no context length for ${id}: configure it`);
        });
    }

    /** Requests that the engine runs at once, where it says. */
    async concurrency(signal: AbortSignal): Promise<number | undefined> {
        return (await this.capacity(signal, await this.listModels(signal))).maxConcurrency;
    }

    async *run(request: EngineRequest, signal: AbortSignal, tap?: WireTap): AsyncGenerator<EngineEvent> {
        const requestId = randomBytes(16).toString('hex');
        const cacheSalt = request.cacheSalt ?? randomBytes(32).toString('base64url');
        const upstream = prepareUpstreamRequest(request, {
            continuousUsage: this.options.continuousUsage ?? this.dialect.continuousUsage,
            fields: this.dialect.fields({ cacheSalt, requestId }),
            refused: this.dialect.refused,
        });
        const slot = await this.slots.acquire(signal);
        // Aborted as well when the reader leaves early: the socket must not keep the engine generating.
        const leaving = new AbortController();
        const leave = () => leaving.abort(signal.reason);
        signal.addEventListener('abort', leave, { once: true });
        let ended = false;
        try {
            await this.forgetOthers(upstream.model, cacheSalt, signal);
            const answer = await this.ask(request, upstream, { signal: leaving.signal, tap });
            yield answer.head;
            yield* answer.rest;
            ended = true;
        } catch (error) {
            throw engineErrorFrom(error, signal);
        } finally {
            signal.removeEventListener('abort', leave);
            if (!ended) this.leave(leaving, requestId);
            this.slots.release(slot);
        }
    }

    async health(signal: AbortSignal): Promise<EngineHealth> {
        try {
            const { healthPath } = this.dialect;
            const status = healthPath === undefined ? 200 : await this.api.status(healthPath, signal);
            if (status !== 200) return { ok: false, detail: `the engine's health has status ${status}` };
            const models = await this.listModels(signal);
            return { ok: models.length > 0, detail: `serves ${models.map(({ id }) => id).join(', ') || 'no model'}` };
        } catch (error) {
            return { ok: false, detail: engineErrorFrom(error, signal).message };
        }
    }

    async close(): Promise<void> {
        const drained = this.slots.close();
        // Breaks every open exchange, so each reader ends with an error and gives its slot back.
        await Promise.all([this.api.close(), this.options.tokenizer?.close()]);
        await Promise.race([drained, sleep(DRAIN_MS, undefined, { ref: false })]);
    }

    /** The engine's answer up to its status; the rest of it is read by whoever wants it. */
    private async ask(
        request: EngineRequest,
        upstream: UpstreamRequest,
        { signal, tap }: { signal: AbortSignal; tap?: WireTap },
    ): Promise<{ head: EngineEvent; rest: AsyncGenerator<EngineEvent> }> {
        tap?.sent(upstream.body);
        const answer = await this.api.send('POST', request.path, { body: upstream.body, signal });
        const contentType = headerOf(answer, 'content-type') ?? 'application/json';
        refuseOurFaults(answer.statusCode);
        const streamed = contentType.startsWith('text/event-stream');
        if (answer.statusCode < 300 && streamed !== upstream.streaming) {
            throw new EngineError('engine_failed', 'the engine streamed what was to be whole, or the other way round');
        }
        const head: EngineEvent = { type: 'head', status: answer.statusCode, headers: { 'content-type': contentType } };
        const flowing = new FlowingBody(answer.body);
        const body = tap === undefined ? flowing : tapped(flowing, tap);
        const { maxAnswerBytes } = this.options;
        const fallback = this.textUsageOf(request);
        if (answer.statusCode >= 400) return { head, rest: relayRefusal(body, maxAnswerBytes) };
        const delivered = this.dialect.eventsHoldTokens ? new DeliveredTokens(fallback?.promptTokens) : undefined;
        const { clientWantsUsage } = upstream;
        if (streamed) return { head, rest: relayStream(body, { clientWantsUsage, fallback, delivered }) };
        return { head, rest: relayWhole(body, maxAnswerBytes, fallback) };
    }

    /** Ends the exchange, and tells an engine that would not notice soon enough; nobody waits for it to hear. */
    private leave(exchange: AbortController, requestId: string): void {
        exchange.abort(new Error('nobody reads the answer any more'));
        const told = this.dialect.abort?.(this.api, requestId, AbortSignal.timeout(SIDE_TIMEOUT_MS));
        told?.catch(() => undefined);
    }

    /** Before anything else is sent, or the time it takes would tell what the last client asked. */
    private async forgetOthers(model: string, cacheSalt: string, signal: AbortSignal): Promise<void> {
        if (this.dialect.forget === undefined || this.remembered.get(model) === cacheSalt) return;
        this.remembered.delete(model);
        await this.dialect.forget(this.api, model, signal);
        this.remembered.set(model, cacheSalt);
    }

    private textUsageOf(request: EngineRequest): TextUsage | undefined {
        const { tokenizer } = this.options;
        const promptTokens = tokenizer?.promptTokens(request);
        return tokenizer === undefined || promptTokens === undefined
            ? undefined
            : new TextUsage(tokenizer, promptTokens);
    }

    private capacity(signal: AbortSignal, models: readonly { id: string }[]): Promise<EngineCapacity> {
        return this.dialect.capacity(
            this.api,
            models.map(({ id }) => id),
            signal,
        );
    }

    private async listModels(signal: AbortSignal): Promise<z.infer<typeof modelList>['data']> {
        const parsed = modelList.safeParse(await this.api.getJson('/v1/models', signal));
        if (!parsed.success) throw new EngineError('engine_unavailable', 'the engine has no list of models');
        const { models } = this.options;
        return parsed.data.data.filter(({ id }) => models === undefined || models.includes(id));
    }
}

/** A 4xx about the request is the client's to read; these are between this node and its engine. */
function refuseOurFaults(status: number): void {
    if (status === 429) throw new EngineError('engine_overloaded', 'the engine takes no more requests now');
    if (status === 401 || status === 403)
        throw new EngineError('engine_unavailable', "the engine refuses the node's key");
    if (status === 503) throw new EngineError('engine_unavailable', 'the engine is not ready or too busy');
    if (status >= 200 && status < 300) return;
    if (status >= 400 && status < 500) return;
    throw new EngineError('engine_failed', `the engine answered with status ${status}`);
}

async function* tapped(body: AsyncIterable<Uint8Array>, tap: WireTap): AsyncGenerator<Uint8Array> {
    for await (const bytes of body) {
        tap.received(bytes);
        yield bytes;
    }
}

function definedOnly<T extends object>(options: T): T {
    return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function headerOf(answer: Dispatcher.ResponseData, name: string): string | undefined {
    const value = answer.headers[name];
    return Array.isArray(value) ? value[0] : value;
}
