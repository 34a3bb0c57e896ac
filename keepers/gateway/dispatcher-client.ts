import { type Dispatcher, Pool } from 'undici';
import { z } from 'zod';
import { GatewayError } from './errors';

/** A dispatcher's refusal, as it answers it (docs/protocol.md). */
export interface DispatcherRefusal {
    status: number;
    code: string;
    message: string;
    nodeCode?: string;
    retryAfterMs?: number;
}

const refusalSchema = z.object({
    error: z.object({
        code: z.string(),
        message: z.string(),
        nodeCode: z.string().optional(),
        retryAfterMs: z.number().optional(),
    }),
});

const requestStateSchema = z.object({
    state: z.enum(['running', 'final', 'failed', 'refused', 'lost', 'unknown']),
    receipt: z.object({ payload: z.base64() }).nullish(),
    checkpoint: z.object({ payload: z.base64() }).nullish(),
});
export type RequestState = z.output<typeof requestStateSchema>;

const maxJsonBytes = 64 * 1024 * 1024;
const readTimeoutMs = 10_000;

export type Relayed =
    { ok: true; frames: AsyncIterable<Buffer> & { destroy(): void } } | { ok: false; refusal: DispatcherRefusal };

/** HTTP to one dispatcher over kept-alive connections. */
export class DispatcherClient {
    private readonly pool: Pool;

    constructor(readonly url: string) {
        this.pool = new Pool(new URL(url).origin, {
            connections: 256,
            headersTimeout: 0,
            bodyTimeout: 0,
            connectTimeout: 5_000,
        });
    }

    close(): Promise<void> {
        return this.pool.destroy();
    }

    /** Sends a sealed request; resolves with the frames as they come, or the refusal. Throws when the connection fails. */
    async relay(envelope: Buffer, signal: AbortSignal): Promise<Relayed> {
        const { statusCode, body } = await this.pool.request({
            path: '/v1/requests',
            method: 'POST',
            headers: { 'content-type': 'application/octet-stream' },
            body: envelope,
            signal,
        });
        if (statusCode === 200) return { ok: true, frames: body as AsyncIterable<Buffer> & typeof body };
        return { ok: false, refusal: await readRefusal(statusCode, body) };
    }

    /** A raised cap for a request that runs. @throws GatewayError when the dispatcher does not take it */
    async raise(requestId: Buffer, raise: Buffer, signal: AbortSignal): Promise<void> {
        const { statusCode, body } = await this.pool.request({
            path: `/v1/requests/${requestId.toString('hex')}/cap`,
            method: 'POST',
            headers: { 'content-type': 'application/octet-stream' },
            body: raise,
            signal: AbortSignal.any([signal, AbortSignal.timeout(readTimeoutMs)]),
        });
        if (statusCode === 204) return body.dump();
        const { code } = await readRefusal(statusCode, body);
        throw new GatewayError('dispatcher_unavailable', `the dispatcher did not take a raised cap: ${code}`);
    }

    /** Whole, or what changed since a version that it gave before. */
    directory(since?: string): Promise<unknown> {
        return this.getJson(since === undefined ? '/v1/directory' : `/v1/directory?since=${since}`);
    }

    /** The nodes' load, or that of those whose load changed since. */
    load(since?: string): Promise<unknown> {
        return this.getJson(since === undefined ? '/v1/load' : `/v1/load?since=${since}`);
    }

    async requestState(requestId: Buffer): Promise<RequestState> {
        return requestStateSchema.parse(await this.getJson(`/v1/requests/${requestId.toString('hex')}`));
    }

    private async getJson(path: string): Promise<unknown> {
        const { statusCode, body } = await this.pool.request({
            path,
            method: 'GET',
            signal: AbortSignal.timeout(readTimeoutMs),
        });
        const text = await readText(body);
        if (statusCode === 200) return JSON.parse(text) as unknown;
        throw new GatewayError('dispatcher_unavailable', `${this.url}${path} answered ${statusCode}`);
    }
}

async function readRefusal(status: number, body: Dispatcher.ResponseData['body']): Promise<DispatcherRefusal> {
    const text = await readText(body);
    try {
        return { status, ...refusalSchema.parse(JSON.parse(text)).error };
    } catch {
        return { status, code: 'unreadable', message: `the dispatcher answered ${status}` };
    }
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxJsonBytes)
            throw new GatewayError('dispatcher_unavailable', 'the dispatcher answers with more than it may');
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}
