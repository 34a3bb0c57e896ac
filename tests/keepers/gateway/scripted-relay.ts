import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { gatewayMessage, gatewayOperation, messagesIn } from '../../../keepers/dispatch';

const endings: (() => void)[] = [];
afterEach(() => endings.splice(0).forEach((end) => end()));

interface Said {
    operation: number;
    requestId: Buffer;
    rest: Buffer;
}

/** A dispatcher's link that says whatever the test has it say. */
export class ScriptedRelay {
    readonly said: Said[] = [];
    readonly posted: string[] = [];
    dials = 0;
    socket!: WebSocket;
    url = '';

    static async start(): Promise<ScriptedRelay> {
        const relay = new ScriptedRelay();
        const http = createServer((request, response) => {
            relay.posted.push(request.url!);
            request.resume().on('end', () => response.end('frames'));
        });
        const sockets = new WebSocketServer({ server: http });
        sockets.on('connection', (socket) => relay.take(socket));
        await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
        relay.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
        endings.push(() => {
            for (const client of sockets.clients) client.terminate();
            http.closeAllConnections();
            http.close();
        });
        return relay;
    }

    private take(socket: WebSocket): void {
        this.dials += 1;
        this.socket = socket;
        socket.on('error', () => undefined);
        socket.on('message', (data: Buffer) => {
            for (const one of messagesIn(data)!)
                this.said.push({ operation: one[0]!, requestId: one.subarray(1, 17), rest: one.subarray(17) });
        });
    }

    say(operation: keyof typeof gatewayOperation, requestId: Buffer, rest?: Buffer | object): void {
        const bytes = rest === undefined || Buffer.isBuffer(rest) ? rest : Buffer.from(JSON.stringify(rest));
        this.socket.send(Buffer.concat(gatewayMessage(operation, requestId, bytes)));
    }

    /** Resolves once the gateway has said this, `count` times in all. */
    async hears(operation: keyof typeof gatewayOperation, count = 1): Promise<Said> {
        for (;;) {
            const found = this.said.filter((one) => one.operation === gatewayOperation[operation]);
            if (found.length >= count) return found[count - 1]!;
            await new Promise((resolve) => setTimeout(resolve, 2));
        }
    }
}
