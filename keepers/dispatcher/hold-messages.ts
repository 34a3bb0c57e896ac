import type { WebSocket } from 'ws';

/**
 * A pause stops the reading, but messages read already still come: they wait until somebody listens.
 * @returns lets them go
 */
export function holdMessages(socket: WebSocket): () => void {
    const early: [data: Buffer, isBinary: boolean][] = [];
    const hold = (data: Buffer, isBinary: boolean) => early.push([data, isBinary]);
    socket.on('message', hold);
    socket.pause();
    return () => {
        socket.off('message', hold);
        for (const [data, isBinary] of early) socket.emit('message', data, isBinary);
        socket.resume();
    };
}
