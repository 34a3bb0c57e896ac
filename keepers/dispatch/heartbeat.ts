import type { WebSocket } from 'ws';
import { pingIntervalMs, silenceLimitMs } from './link-messages';

/** Pings the peer and terminates the socket after too long a silence; any message counts as a sign of life. */
export function keepAlive(socket: WebSocket, limits = { pingIntervalMs, silenceLimitMs }): () => void {
    let heardAtMs = Date.now();
    const heard = () => {
        heardAtMs = Date.now();
    };
    socket.on('message', heard);
    socket.on('ping', heard);
    socket.on('pong', heard);
    const timer = setInterval(() => {
        if (Date.now() - heardAtMs > limits.silenceLimitMs) return socket.terminate();
        if (socket.readyState === socket.OPEN) socket.ping();
    }, limits.pingIntervalMs);
    const stop = () => clearInterval(timer);
    socket.once('close', stop);
    return stop;
}
