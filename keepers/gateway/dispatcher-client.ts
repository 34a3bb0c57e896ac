import { type Dispatcher, Pool } from 'undici';
import { z } from 'zod';
import { timeLimit } from '../base';
import { GatewayError } from './errors';
import type { AnswerFrames } from './frame-queue';
import { NoLink, RelayLink } from './relay-link';

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

/** Nodes: a few megabytes, which hold neither side's thread up. */
const directoryPage = 250;
const maxJsonBytes = 64 * 1024 * 1024;
const maxRefusalBytes = 64 * 1024;
const readTimeoutMs = 10_000;

/** A dispatcher that had no link is asked for one again after this long. */
const noLinkMs = 60_000;

export interface RelayedRequest {
    requestId: Buffer;
    envelope: Buffer;
    /** Set where another replica may have passed it on: bytes of the answer that are here already. */
    resumeFrom?: number;
}

export type Relayed = { ok: true; frames: AnswerFrames } | { ok: false; refusal: DispatcherRefusal };

/** What goes to one dispatcher: requests over one link that all share, the rest, and what is large, over HTTP. */
export class DispatcherClient {
    private readonly pool: Pool;
    private link: RelayLink | undefined;
    private dialling: Promise<RelayLink | undefined> | undefined;
    private noLinkUntilMs = 0;
    private closed = false;

    constructor(readonly url: string) {
        this.pool = new Pool(new URL(url).origin, {
            connections: 256,
            headersTimeout: 0,
            bodyTimeout: 0,
            connectTimeout: 5_000,
        });
    }

    close(): Promise<void> {
        this.closed = true;
        this.link?.close();
        return this.pool.destroy();
    }

    /** Sends a sealed request; resolves with the frames as they come, or the refusal. Throws when the connection fails. */
    async relay(request: RelayedRequest, signal: AbortSignal): Promise<Relayed> {
        const link = await this.openLink();
        return link?.takes(request.envelope) ? link.relay(request, signal) : this.post(request, signal);
    }

    /** A raised cap for a request that runs. @throws Error when the dispatcher does not take it */
    async raise(requestId: Buffer, raise: Buffer, signal: AbortSignal): Promise<void> {
        const limit = timeLimit(signal, readTimeoutMs);
        try {
            if (this.link?.open) await this.link.raise(requestId, raise, limit.signal);
            else await this.postRaise(requestId, raise, limit.signal);
        } finally {
            limit.end();
        }
    }

    /** The link, dialled when there is none; undefined where the dispatcher has none to offer. */
    private openLink(): Promise<RelayLink | undefined> | RelayLink | undefined {
        if (this.link?.open) return this.link;
        if (performance.now() < this.noLinkUntilMs) return undefined;
        this.dialling ??= this.dial().finally(() => (this.dialling = undefined));
        return this.dialling;
    }

    private async dial(): Promise<RelayLink | undefined> {
        try {
            this.link = await RelayLink.dial(this.url);
        } catch (error) {
            if (!(error instanceof NoLink)) throw error;
            this.noLinkUntilMs = performance.now() + noLinkMs;
            return undefined;
        }
        if (this.closed) this.link.close();
        return this.link;
    }

    private async post({ envelope, resumeFrom }: RelayedRequest, signal: AbortSignal): Promise<Relayed> {
        const { statusCode, body } = await this.pool.request({
            path: resumeFrom === undefined ? '/v1/requests' : `/v1/requests?from=${resumeFrom}`,
            method: 'POST',
            headers: { 'content-type': 'application/octet-stream' },
            body: envelope,
            signal,
        });
        if (statusCode === 200) return { ok: true, frames: body as AsyncIterable<Buffer> & typeof body };
        return { ok: false, refusal: await readRefusal(statusCode, body) };
    }

    private async postRaise(requestId: Buffer, raise: Buffer, signal: AbortSignal): Promise<void> {
        const { statusCode, body } = await this.pool.request({
            path: `/v1/requests/${requestId.toString('hex')}/cap`,
            method: 'POST',
            headers: { 'content-type': 'application/octet-stream' },
            body: raise,
            signal,
        });
        if (statusCode === 204) return body.dump();
        const { code } = await readRefusal(statusCode, body);
        throw new GatewayError('dispatcher_unavailable', `the dispatcher did not take a raised cap: ${code}`);
    }

    /** A page of it, or of what changed since a version that it gave before. */
    directory(since?: string): Promise<unknown> {
        const part = since === undefined ? '' : `&since=${since}`;
        return this.getJson(`/v1/directory?limit=${directoryPage}${part}`);
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
        const text = await readText(body, maxJsonBytes);
        if (statusCode === 200) return JSON.parse(text) as unknown;
        throw new GatewayError('dispatcher_unavailable', `${this.url}${path} answered ${statusCode}`);
    }
}

async function readRefusal(status: number, body: Dispatcher.ResponseData['body']): Promise<DispatcherRefusal> {
    const text = await readText(body, maxRefusalBytes);
    try {
        return { status, ...refusalSchema.parse(JSON.parse(text)).error };
    } catch {
        return { status, code: 'unreadable', message: `the dispatcher answered ${status}` };
    }
}

async function readText(body: Dispatcher.ResponseData['body'], maxBytes: number): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes)
            throw new GatewayError('dispatcher_unavailable', 'the dispatcher answers with more than it may');
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}
