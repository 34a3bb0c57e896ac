import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

const open: (() => void)[] = [];
afterEach(() => open.splice(0).forEach((close) => close()));

/** Both ends of a real connection; gone after the test. */
export async function socketPair(): Promise<{ near: WebSocket; far: WebSocket }> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const far = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const [[near]] = (await Promise.all([once(server, 'connection'), once(far, 'open')])) as [[WebSocket], unknown];
    open.push(() => {
        near.terminate();
        far.terminate();
        server.close();
    });
    return { near, far };
}

/** The next message that arrives at a socket. */
export async function nextMessage(socket: WebSocket): Promise<Buffer> {
    const [data] = (await once(socket, 'message')) as [Buffer];
    return data;
}
