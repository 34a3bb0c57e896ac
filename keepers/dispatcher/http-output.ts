import type { ServerResponse } from 'node:http';
import { type AnswerOutput, DispatchError } from '../dispatch';

/** Writes frames to the gateway as they come. A break after the first frame is a cut connection: no final frame, no answer. */
export function httpOutput(response: ServerResponse): AnswerOutput {
    return {
        write: (bytes) => {
            if (response.destroyed) return;
            if (!response.headersSent)
                response.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' });
            response.write(bytes);
        },
        end: () => response.end(),
        fail: (error) => {
            if (response.destroyed || response.writableEnded) return;
            if (response.headersSent) response.destroy();
            else sendJsonError(response, error);
        },
    };
}

export function sendJsonError(response: ServerResponse, error: DispatchError): void {
    const retryAfter =
        error.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) };
    response.writeHead(error.status, { 'content-type': 'application/json', ...retryAfter });
    response.end(JSON.stringify(error.toJSON()));
}
