import PQueue from 'p-queue';
import { request } from 'undici';
import { type Clock, errorMessage, retry, systemClock } from '../base';
import { ChainError } from './errors';

export interface RpcTransportOptions {
    /** toncenter v2 JSON-RPC URLs, in order of preference. */
    endpoints: readonly string[];
    apiKey?: string;
    /** Of one attempt. */
    timeoutMs?: number;
    /** Attempts of one call, over all endpoints. */
    attempts?: number;
    firstDelayMs?: number;
    maxDelayMs?: number;
    maxConcurrency?: number;
    /** Public endpoints allow one without a key. Unlimited when absent. */
    requestsPerSecond?: number;
    clock?: Clock;
}

interface RpcAnswer {
    ok?: boolean;
    result?: unknown;
    error?: unknown;
    code?: unknown;
}

/** JSON-RPC calls with bounded concurrency, back-off and fail-over; knows nothing of what they mean. */
export class RpcTransport {
    private readonly queue: PQueue;
    private readonly clock: Clock;
    private preferred = 0;

    constructor(private readonly options: RpcTransportOptions) {
        if (options.endpoints.length === 0) throw new ChainError('rpc_refused', 'At least one endpoint is needed');
        this.clock = options.clock ?? systemClock;
        const { requestsPerSecond } = options;
        this.queue = new PQueue({
            concurrency: options.maxConcurrency ?? 8,
            ...(requestsPerSecond ? { interval: 1000, intervalCap: requestsPerSecond } : {}),
        });
    }

    /** @throws ChainError */
    call(method: string, params: unknown): Promise<unknown> {
        return retry(() => this.queue.add(() => this.attempt(method, params)), {
            attempts: this.options.attempts ?? 5,
            firstDelayMs: this.options.firstDelayMs ?? 250,
            maxDelayMs: this.options.maxDelayMs ?? 5_000,
            clock: this.clock,
        });
    }

    /** One attempt at the preferred endpoint; when that is down, the next call prefers another. */
    private async attempt(method: string, params: unknown): Promise<unknown> {
        const used = this.preferred;
        try {
            return await this.post(this.options.endpoints[used]!, method, params);
        } catch (error) {
            const failed = error instanceof ChainError && error.action === 'retry';
            if (failed && used === this.preferred) this.preferred = (used + 1) % this.options.endpoints.length;
            throw error;
        }
    }

    private async post(endpoint: string, method: string, params: unknown): Promise<unknown> {
        const { apiKey, timeoutMs = 10_000 } = this.options;
        const { statusCode, text } = await this.exchange(endpoint, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...(apiKey ? { 'x-api-key': apiKey } : {}) },
            body: JSON.stringify({ id: '1', jsonrpc: '2.0', method, params }),
            signal: AbortSignal.timeout(timeoutMs),
        });
        const answer = parseAnswer(text);
        if (statusCode === 200 && answer?.ok === true) return answer.result;
        throw answerError(method, statusCode, answer);
    }

    private async exchange(endpoint: string, options: Parameters<typeof request>[1]) {
        try {
            const { statusCode, body } = await request(endpoint, options);
            return { statusCode, text: await body.text() };
        } catch (error) {
            const host = new URL(endpoint).host;
            throw new ChainError('rpc_unavailable', `No answer from ${host}: ${errorMessage(error)}`, {
                context: { host },
                cause: error,
            });
        }
    }
}

function parseAnswer(text: string): RpcAnswer | null {
    try {
        const parsed: unknown = JSON.parse(text);
        return typeof parsed === 'object' && parsed !== null ? parsed : null;
    } catch {
        return null;
    }
}

/** toncenter reports a message that a contract refused as 500 too: that one must not be tried again. */
function answerError(method: string, statusCode: number, answer: RpcAnswer | null): ChainError {
    const status = typeof answer?.code === 'number' && answer.code >= 400 ? answer.code : statusCode;
    const reason = typeof answer?.error === 'string' ? answer.error : `status ${status}`;
    const context = { method, status };
    if (method === 'sendBoc' && isRejection(reason)) {
        const exitCode = /exit ?code[^\d-]{0,4}(-?\d+)/i.exec(reason)?.[1];
        return new ChainError('message_rejected', `The contract did not accept the message: ${reason}`, {
            context: { ...context, ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }) },
        });
    }
    if (status === 429) return new ChainError('rpc_rate_limited', 'The endpoint limits our requests', { context });
    if (status >= 500 || status === 408 || answer === null) {
        return new ChainError('rpc_unavailable', `${method}: ${reason}`, { context });
    }
    return new ChainError('rpc_refused', `${method}: ${reason}`, { context });
}

function isRejection(reason: string): boolean {
    return /exit ?code|not accepted|cannot apply external message|terminating vm/i.test(reason);
}
