import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type buildConnector, Dispatcher, request as httpRequest } from 'undici';
import { z } from 'zod';
import { Engine, EngineEvent, EngineHealth, EngineModel, EngineRequest } from './engine';
import { EngineError } from './errors';
import { SlotPool } from './slot-pool';
import { relayRefusal, relayStream, relayWhole } from './upstream-answer';
import { engineErrorFrom } from './upstream-errors';
import { prepareUpstreamRequest, UpstreamRequest } from './upstream-request';

export interface OpenAiCompatibleOptions {
    /** 'http://127.0.0.1:8000' or '…/v1': vLLM, SGLang, llama.cpp's server, Ollama. */
    baseUrl: string;
    apiKey?: string;
    maxConcurrency?: number;
    maxWaiting?: number;
    /** For servers whose model list does not say it (Ollama), or that serve less than the model could. */
    contextLength?: number;
    capabilities?: readonly string[];
    /** vLLM and SGLang: a running count with every chunk, so that a cut stream is metered to the token. */
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
    maxConcurrency: 16,
    maxWaiting: 64,
    capabilities: ['chat.completions', 'completions'] as readonly string[],
    continuousUsage: false,
    firstByteTimeoutMs: 300_000,
    idleTimeoutMs: 60_000,
    connectTimeoutMs: 5_000,
    maxAnswerBytes: 64 * 1024 * 1024,
};

/** A reader that stopped reading without leaving cannot hold up the shutdown longer than this. */
const DRAIN_MS = 1_000;

/** vLLM and SGLang say `max_model_len`; what is missing must come from the configuration. */
const modelList = z.object({ data: z.array(z.object({ id: z.string(), max_model_len: z.number().int().nullish() })) });

/** Drives any OpenAI-compatible server by its base URL. */
export class OpenAiCompatibleEngine implements Engine {
    readonly maxConcurrency: number;
    private readonly options: OpenAiCompatibleOptions & typeof DEFAULTS;
    private readonly agent: Agent;
    private readonly slots: SlotPool<number>;

    constructor(options: OpenAiCompatibleOptions) {
        this.options = { ...DEFAULTS, ...definedOnly(options), baseUrl: rootOf(options.baseUrl) };
        this.maxConcurrency = this.options.maxConcurrency;
        this.slots = new SlotPool([...Array(this.maxConcurrency).keys()], this.options.maxWaiting);
        this.agent = new Agent({
            connect: this.options.connector ?? { timeout: this.options.connectTimeoutMs },
            headersTimeout: this.options.firstByteTimeoutMs,
            bodyTimeout: this.options.idleTimeoutMs,
        });
    }

    async describe(signal: AbortSignal): Promise<EngineModel[]> {
        const { data } = await this.listModels(signal);
        return data.map((model) => {
            const contextLength = this.options.contextLength ?? model.max_model_len;
            if (contextLength) return { id: model.id, contextLength, capabilities: this.options.capabilities };
            throw new EngineError('engine_failed', `the engine names no context length for ${model.id}: configure it`);
        });
    }

    async *run(request: EngineRequest, signal: AbortSignal, tap?: WireTap): AsyncGenerator<EngineEvent> {
        const upstream = prepareUpstreamRequest(request, this.options.continuousUsage);
        const slot = await this.slots.acquire(signal);
        // Aborted as well when the reader leaves early: the socket must not keep the engine generating.
        const leaving = new AbortController();
        try {
            yield* this.relay(request.path, upstream, { signal: AbortSignal.any([signal, leaving.signal]), tap });
        } catch (error) {
            throw engineErrorFrom(error, signal);
        } finally {
            leaving.abort();
            this.slots.release(slot);
        }
    }

    async health(signal: AbortSignal): Promise<EngineHealth> {
        try {
            const { data } = await this.listModels(signal);
            return { ok: data.length > 0, detail: `serves ${data.map((model) => model.id).join(', ') || 'no model'}` };
        } catch (error) {
            return { ok: false, detail: engineErrorFrom(error, signal).message };
        }
    }

    async close(): Promise<void> {
        const drained = this.slots.close();
        // Breaks every open exchange, so each reader ends with an error and gives its slot back.
        await this.agent.destroy();
        await Promise.race([drained, sleep(DRAIN_MS, undefined, { ref: false })]);
    }

    private async *relay(
        path: string,
        upstream: UpstreamRequest,
        { signal, tap }: { signal: AbortSignal; tap?: WireTap },
    ): AsyncGenerator<EngineEvent> {
        tap?.sent(upstream.body);
        const answer = await this.send('POST', path, { body: upstream.body, signal });
        const contentType = headerOf(answer, 'content-type') ?? 'application/json';
        refuseOurFaults(answer.statusCode);
        const streamed = contentType.startsWith('text/event-stream');
        if (answer.statusCode < 300 && streamed !== upstream.streaming) {
            throw new EngineError('engine_failed', `the engine answered a request with the wrong kind: ${contentType}`);
        }
        yield { type: 'head', status: answer.statusCode, headers: { 'content-type': contentType } };
        const body = tap === undefined ? answer.body : tapped(answer.body, tap);
        if (answer.statusCode >= 400) yield* relayRefusal(body, this.options.maxAnswerBytes);
        else if (streamed) yield* relayStream(body, upstream.clientWantsUsage);
        else yield* relayWhole(body, this.options.maxAnswerBytes);
    }

    private async listModels(signal: AbortSignal): Promise<z.infer<typeof modelList>> {
        try {
            const answer = await this.send('GET', '/v1/models', { signal });
            if (answer.statusCode !== 200) {
                await answer.body.dump();
                throw new EngineError('engine_unavailable', `the engine's model list has status ${answer.statusCode}`);
            }
            return modelList.parse(await answer.body.json());
        } catch (error) {
            throw engineErrorFrom(error, signal);
        }
    }

    /** Of the client's headers none goes on: they may name the client, and the engine needs none of them. */
    private send(method: 'GET' | 'POST', path: string, options: { body?: Buffer; signal: AbortSignal }) {
        const headers: Record<string, string> = { accept: 'application/json, text/event-stream' };
        if (options.body) headers['content-type'] = 'application/json';
        if (this.options.apiKey) headers.authorization = `Bearer ${this.options.apiKey}`;
        return httpRequest(this.options.baseUrl + path, {
            dispatcher: this.agent,
            method,
            headers,
            body: options.body ?? null,
            signal: options.signal,
        });
    }
}

/** A 4xx about the request is the client's to read; these are between this node and its engine. */
function refuseOurFaults(status: number): void {
    if (status === 429) throw new EngineError('engine_overloaded', 'the engine takes no more requests now');
    if (status === 401 || status === 403)
        throw new EngineError('engine_unavailable', "the engine refuses the node's key");
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

export function rootOf(baseUrl: string): string {
    return baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
}

function definedOnly<T extends object>(options: T): T {
    return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function headerOf(answer: Dispatcher.ResponseData, name: string): string | undefined {
    const value = answer.headers[name];
    return Array.isArray(value) ? value[0] : value;
}
