import { cancelled, EngineError, EngineErrorCode } from './errors';
import { isObject } from './request-body';

const CODES: Record<string, [EngineErrorCode, string]> = {
    UND_ERR_HEADERS_TIMEOUT: ['engine_timeout', 'the engine did not begin to answer in time'],
    UND_ERR_BODY_TIMEOUT: ['engine_timeout', 'the engine fell silent in mid-answer'],
    UND_ERR_CONNECT_TIMEOUT: ['engine_unavailable', 'the engine could not be reached in time'],
    ECONNREFUSED: ['engine_unavailable', 'the engine refuses connections'],
    ENOTFOUND: ['engine_unavailable', "the engine's host is unknown"],
    EHOSTUNREACH: ['engine_unavailable', "the engine's host cannot be reached"],
    UND_ERR_DESTROYED: ['engine_unavailable', 'the engine is shutting down'],
    UND_ERR_CLOSED: ['engine_unavailable', 'the engine is shutting down'],
};

/** Messages are ours: an engine's own may quote the prompt, and a parser's error has the bytes it fell over. */
export function engineErrorFrom(error: unknown, signal: AbortSignal): EngineError {
    if (signal.aborted) return cancelled(signal);
    if (error instanceof EngineError) return error;
    const [code, message] = CODES[codeOf(error)] ?? ['engine_failed', 'the connection to the engine broke'];
    return new EngineError(code, message, { cause: codeOf(error) });
}

function codeOf(error: unknown): string {
    return isObject(error) && typeof error.code === 'string' ? error.code : '';
}
