import type { IncomingMessage } from 'node:http';

const maxDiscardedBytes = 256 * 1024 * 1024;
const maxDiscardMs = 10_000;

/**
 * Reads and forgets what is left of a body, within bounds. A client that is still sending when it is answered sees a
 * broken pipe instead of the answer.
 */
export function discardBody(incoming: IncomingMessage): Promise<void> {
    if (incoming.readableEnded || incoming.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
        const timer = setTimeout(finish, maxDiscardMs);
        let bytes = 0;
        function count(chunk: Buffer): void {
            bytes += chunk.length;
            if (bytes > maxDiscardedBytes) finish();
        }
        function finish(): void {
            clearTimeout(timer);
            incoming.off('data', count).off('end', finish).off('close', finish);
            resolve();
        }
        incoming.on('data', count).once('end', finish).once('close', finish).on('error', finish);
        incoming.resume();
    });
}
