import type { Socket } from 'node:net';
import type pg from 'pg';

/**
 * A server that is lost, or a machine that stands still, ends no connection: it only says nothing any more. Once nothing
 * has come or gone for so long the connection is broken off, and what waits for its answers fails as with any that is
 * lost. The driver's own limit counts from when a statement was handed over, and would break off those that wait behind
 * others of their batch.
 */
export function breakOffWhenSilent(client: pg.Client, afterMs: number): void {
    const socket = socketOf(client);
    allowSilence(client, afterMs);
    socket.on('timeout', () => {
        const message = `The database said nothing for ${(socket.timeout ?? 0) / 1000} s`;
        socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    });
    // What waits for an answer is told as well; without a listener the process would end.
    client.on('error', () => undefined);
}

/** From now on. @param forMs 0: without end */
export function allowSilence(client: pg.Client, forMs: number): void {
    socketOf(client).setTimeout(forMs);
}

/** Of a client that is connected: before that it has no TLS yet. */
function socketOf(client: pg.Client): Socket {
    return client.connection.stream as Socket;
}
