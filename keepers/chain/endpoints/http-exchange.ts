import { request } from 'undici';
import { errorMessage } from '../../base';
import { ChainError } from '../errors';

export interface HttpCall {
    method: 'GET' | 'POST';
    url: string;
    headers: Record<string, string>;
    body?: string;
    /** Over the whole exchange, so that an answer that trickles ends too. */
    timeoutMs: number;
    signal?: AbortSignal;
}

export interface HttpAnswer {
    status: number;
    retryAfter: string | null;
    text: string;
}

/** One HTTP exchange; what tests put in its place meets everything above it. */
export type HttpExchange = (call: HttpCall) => Promise<HttpAnswer>;

/** The largest answer that is used, a hundred transactions with large bodies, is well below it. */
export const maxAnswerBytes = 16 * 1024 * 1024;

/** @throws ChainError `rpc_unavailable` */
export const httpExchange: HttpExchange = async ({ url, timeoutMs, signal, ...call }) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const { origin, host } = new URL(url);
    try {
        const options = { ...call, signal: signal ? AbortSignal.any([signal, deadline]) : deadline };
        const { statusCode, headers, body } = await request(url, options);
        const retryAfter = headers['retry-after'];
        const text = await readBounded(body, host);
        return { status: statusCode, retryAfter: typeof retryAfter === 'string' ? retryAfter : null, text };
    } catch (error) {
        if (error instanceof ChainError) throw error;
        const message = `No answer from ${host}: ${errorMessage(error)}`;
        throw new ChainError('rpc_unavailable', message, { context: { endpoint: origin }, cause: error });
    }
};

async function readBounded(body: AsyncIterable<Buffer>, host: string): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of body) {
        size += part.length;
        if (size > maxAnswerBytes)
            throw new ChainError('rpc_unavailable', `${host} answers with more than ${maxAnswerBytes} bytes`);
        parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
}
