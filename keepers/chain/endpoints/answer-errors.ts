import { ChainError } from '../errors';
import type { HttpAnswer } from './http-exchange';

/** What endpoints answer instead of a result, as errors. */

interface ErrorBody {
    error?: unknown;
    code?: unknown;
}

export interface FailedAnswer {
    method: string;
    origin: string;
    answer: HttpAnswer;
    /** Parsed, or undefined where it is no JSON. */
    body: unknown;
}

/** toncenter reports a message that a contract refused as 500 too: that one must not be tried again. */
export function answerError({ method, origin, answer, body }: FailedAnswer): ChainError {
    const { code, error } = typeof body === 'object' && body !== null ? (body as ErrorBody) : {};
    const status = typeof code === 'number' && code >= 400 ? code : answer.status;
    const reason = typeof error === 'string' ? error.slice(0, 1_000) : `status ${status}`;
    const context = { method, status, endpoint: origin };
    if (/^send/.test(method) && isRejection(reason)) {
        const exitCode = /exit ?code[^\d-]{0,4}(-?\d+)/i.exec(reason)?.[1];
        return new ChainError('message_rejected', `The contract did not accept the message: ${reason}`, {
            context: { ...context, ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }) },
        });
    }
    if (status === 429) return new ChainError('rpc_rate_limited', `${origin} limits our requests`, { context });
    if (status >= 500 || status === 408 || body === undefined) {
        return new ChainError('rpc_unavailable', `${origin}: ${method}: ${reason}`, { context });
    }
    return new ChainError('rpc_refused', `${origin}: ${method}: ${reason}`, { context });
}

function isRejection(reason: string): boolean {
    return /exit ?code|not accepted|cannot apply external message|terminating vm/i.test(reason);
}

const shortestRetryMs = 1_000;
const longestRetryMs = 60_000;

/** Retry-After in seconds or as a date; a second where the endpoint says nothing. */
export function retryAfterMs(retryAfter: string | null, nowMs: number): number {
    const seconds = retryAfter === null ? NaN : Number(retryAfter);
    const dated = retryAfter === null ? NaN : Date.parse(retryAfter) - nowMs;
    const wantedMs = Number.isNaN(seconds) ? dated : seconds * 1_000;
    if (Number.isNaN(wantedMs)) return shortestRetryMs;
    return Math.min(longestRetryMs, Math.max(shortestRetryMs, wantedMs));
}
