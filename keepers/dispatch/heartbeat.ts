import type { WebSocket } from 'ws';
import { pingIntervalMs, silenceLimitMs } from './link-messages';

/**
 * Terminates the socket after too long a silence, and pings a peer that is silent; any message counts as a sign of life,
 * so a link that is used, or that the peer pings, costs nothing here. Silence is counted in looks, not read off a clock:
 * after a pause of our own the peer's answers still wait to be read.
 */
export function keepAlive(socket: WebSocket, limits = { pingIntervalMs, silenceLimitMs }): () => void {
    const allowedLooks = Math.ceil(limits.silenceLimitMs / limits.pingIntervalMs);
    // The handshake is the first sign of life.
    let silentLooks = -1;
    const heard = () => {
        silentLooks = -1;
    };
    socket.on('message', heard);
    socket.on('ping', heard);
    socket.on('pong', heard);
    const timer = setInterval(() => {
        silentLooks += 1;
        if (silentLooks >= allowedLooks) return socket.terminate();
        if (silentLooks > 0 && socket.readyState === socket.OPEN) socket.ping();
    }, limits.pingIntervalMs);
    const stop = () => clearInterval(timer);
    socket.once('close', stop);
    return stop;
}
