import type { WebSocket } from 'ws';
import { pingIntervalMs, silenceLimitMs } from './link-messages';

/**
 * Pings the peer and terminates the socket after too long a silence; any message counts as a sign of life. Silence is
 * counted in pings, not read off a clock: after a pause of our own the peer's answers still wait to be read.
 */
export function keepAlive(socket: WebSocket, limits = { pingIntervalMs, silenceLimitMs }): () => void {
    const allowedPings = Math.ceil(limits.silenceLimitMs / limits.pingIntervalMs);
    let unansweredPings = 0;
    const heard = () => {
        unansweredPings = 0;
    };
    socket.on('message', heard);
    socket.on('ping', heard);
    socket.on('pong', heard);
    const timer = setInterval(() => {
        if (unansweredPings >= allowedPings) return socket.terminate();
        unansweredPings += 1;
        if (socket.readyState === socket.OPEN) socket.ping();
    }, limits.pingIntervalMs);
    const stop = () => clearInterval(timer);
    socket.once('close', stop);
    return stop;
}
