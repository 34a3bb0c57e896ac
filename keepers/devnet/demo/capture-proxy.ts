import {
    createServer,
    type IncomingMessage,
    request as httpRequest,
    type Server,
    type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** Stands between the dispatcher and everyone else, and keeps every byte that the dispatcher receives or sends. */
export class CaptureProxy {
    private readonly chunks: Buffer[] = [];
    private readonly server: Server;
    private readonly sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 64 << 20 });

    private constructor(private readonly target: URL) {
        this.server = createServer((request, response) => this.forward(request, response));
        this.server.on('upgrade', (request, socket, head) => {
            this.sockets.handleUpgrade(request, socket, head, (inbound) => this.bridge(request, inbound));
        });
    }

    static async start(target: string): Promise<CaptureProxy> {
        const proxy = new CaptureProxy(new URL(target));
        await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
        return proxy;
    }

    get url(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    /** Headers, bodies and unmasked WebSocket messages of both directions, in the order they passed. */
    captured(): Buffer {
        return Buffer.concat(this.chunks);
    }

    async close(): Promise<void> {
        for (const socket of this.sockets.clients) socket.terminate();
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }

    private keep(bytes: Buffer | string): void {
        this.chunks.push(typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes));
    }

    private forward(request: IncomingMessage, response: ServerResponse): void {
        this.keep(`${request.method} ${request.url} ${JSON.stringify(request.headers)}\n`);
        const { hostname, port } = this.target;
        const onward = httpRequest({
            hostname,
            port,
            method: request.method,
            path: request.url,
            headers: request.headers,
        });
        request.on('data', (chunk: Buffer) => this.keep(chunk));
        request.pipe(onward);
        onward.on('response', (answer) => {
            this.keep(`${answer.statusCode} ${JSON.stringify(answer.headers)}\n`);
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.on('data', (chunk: Buffer) => this.keep(chunk));
            answer.pipe(response);
            answer.on('error', () => response.destroy());
        });
        onward.on('error', () => response.destroy());
        response.on('close', () => onward.destroy());
    }

    private bridge(request: IncomingMessage, inbound: WebSocket): void {
        this.keep(`${request.method} ${request.url} ${JSON.stringify(request.headers)}\n`);
        const outbound = new WebSocket(`ws://${this.target.host}${request.url}`, { perMessageDeflate: false });
        const waiting: (() => void)[] = [];
        outbound.once('open', () => waiting.forEach((send) => send()));
        inbound.on('message', (data: Buffer, binary) => {
            this.keep(data);
            const send = () => outbound.send(data, { binary });
            if (outbound.readyState === WebSocket.OPEN) send();
            else waiting.push(send);
        });
        outbound.on('message', (data: Buffer, binary) => {
            this.keep(data);
            inbound.send(data, { binary });
        });
        for (const [one, other] of [
            [inbound, outbound],
            [outbound, inbound],
        ] as const) {
            one.on('close', () => other.terminate());
            one.on('error', () => other.terminate());
        }
    }
}
