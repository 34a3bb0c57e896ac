import { Agent, type buildConnector, type Dispatcher, request as httpRequest } from 'undici';
import { EngineError } from './errors';
import { engineErrorFrom } from './upstream-errors';

export interface EngineApiOptions {
    /** Without `/v1`. */
    baseUrl: string;
    apiKey?: string | undefined;
    connector?: buildConnector.connector | undefined;
    connectTimeoutMs: number;
    firstByteTimeoutMs: number;
    idleTimeoutMs: number;
}

/** What an engine says of itself is small; a larger answer is none. */
const maxJsonBytes = 8 * 1024 * 1024;

/** HTTP with one engine. */
export class EngineApi {
    private readonly agent: Agent;
    private readonly baseUrl: string;

    constructor(private readonly options: EngineApiOptions) {
        this.baseUrl = rootOf(options.baseUrl);
        this.agent = new Agent({
            connect: options.connector ?? { timeout: options.connectTimeoutMs },
            headersTimeout: options.firstByteTimeoutMs,
            bodyTimeout: options.idleTimeoutMs,
        });
    }

    /** Of the client's headers none goes on: they may name the client, and the engine needs none of them. */
    send(
        method: 'GET' | 'POST',
        path: string,
        options: { body?: Buffer; signal: AbortSignal },
    ): Promise<Dispatcher.ResponseData> {
        const headers: Record<string, string> = { accept: 'application/json, text/event-stream' };
        if (options.body) headers['content-type'] = 'application/json';
        if (this.options.apiKey) headers.authorization = `Bearer ${this.options.apiKey}`;
        return httpRequest(this.baseUrl + path, {
            dispatcher: this.agent,
            method,
            headers,
            body: options.body ?? null,
            signal: options.signal,
        });
    }

    /** The status alone. */
    async status(path: string, signal: AbortSignal): Promise<number> {
        try {
            const answer = await this.send('GET', path, { signal });
            await answer.body.dump();
            return answer.statusCode;
        } catch (error) {
            throw engineErrorFrom(error, signal);
        }
    }

    /** Undefined where the engine has no such route. */
    async getJson(path: string, signal: AbortSignal): Promise<unknown> {
        return this.json(() => this.send('GET', path, { signal }), signal);
    }

    async postJson(path: string, value: unknown, signal: AbortSignal): Promise<unknown> {
        const body = Buffer.from(JSON.stringify(value));
        return this.json(() => this.send('POST', path, { body, signal }), signal);
    }

    /** Breaks every open exchange. */
    async close(): Promise<void> {
        await this.agent.destroy();
    }

    private async json(ask: () => Promise<Dispatcher.ResponseData>, signal: AbortSignal): Promise<unknown> {
        try {
            const answer = await ask();
            if (answer.statusCode === 200) return parse(await collect(answer.body, maxJsonBytes));
            await answer.body.dump();
            if (answer.statusCode === 404) return undefined;
            throw new EngineError('engine_unavailable', `the engine answered with status ${answer.statusCode}`);
        } catch (error) {
            throw engineErrorFrom(error, signal);
        }
    }
}

export function rootOf(baseUrl: string): string {
    return baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
}

export async function collect(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const bytes of body) {
        size += bytes.length;
        if (size > maxBytes) throw new EngineError('engine_failed', `the engine's answer exceeds ${maxBytes} bytes`);
        parts.push(bytes);
    }
    return Buffer.concat(parts);
}

function parse(bytes: Buffer): unknown {
    if (bytes.length === 0) return null;
    try {
        return JSON.parse(bytes.toString('utf8'));
    } catch {
        // No cause: the parser's message quotes the answer.
        throw new EngineError('engine_failed', 'the engine sent something that is not JSON');
    }
}
