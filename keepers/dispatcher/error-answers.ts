import type { ServerResponse } from 'node:http';
import type { Logger } from '../base';
import { DispatchError } from '../dispatch';

export function sendJsonError(response: ServerResponse, error: DispatchError): void {
    const retryAfter =
        error.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) };
    response.writeHead(error.status, { 'content-type': 'application/json', ...retryAfter });
    response.end(JSON.stringify(error.toJSON()));
}

/** What a caller is told of any failure. */
export function asDispatchError(error: unknown, logger: Logger): DispatchError {
    if (error instanceof DispatchError) return error;
    const { code, statusCode } = error as { code?: string; statusCode?: number };
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new DispatchError('body_too_large', 'the envelope is too large');
    if (statusCode !== undefined && statusCode < 500)
        return new DispatchError('envelope_invalid', 'send the envelope as application/octet-stream');
    logger.error({ err: error }, 'a request failed in the dispatcher');
    return new DispatchError('node_lost', 'the dispatcher failed; its log says why', { cause: error });
}
