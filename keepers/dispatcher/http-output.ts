import type { ServerResponse } from 'node:http';
import type { AnswerOutput } from '../dispatch';
import { sendJsonError } from './error-answers';

/** One socket carries all answers of a node, so a gateway that does not read can't slow it down: it is cut off. */
const maxBacklogBytes = 16 * 1024 * 1024;

/** Writes frames to the gateway as they come. A break after the first frame is a cut connection: no final frame, no answer. */
export function httpOutput(response: ServerResponse): AnswerOutput {
    return {
        write: (bytes) => {
            if (response.destroyed) return;
            if (!response.headersSent)
                response.writeHead(200, { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' });
            response.write(bytes);
            if (response.writableLength > maxBacklogBytes) response.destroy();
        },
        end: () => {
            if (!response.destroyed) response.end();
        },
        fail: (error) => {
            if (response.destroyed || response.writableEnded) return;
            if (response.headersSent) response.destroy();
            else sendJsonError(response, error);
        },
    };
}
