import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { encodeJsonMessage, encodeRequestMessage, linkOperation, messagesIn } from '../../../keepers/dispatch';
import { bytesOf } from '../confidential/exchange';
import { hub, network } from '../dispatch/sealed-request';

export interface LinkMessage {
    operation: number;
    requestId: Buffer;
    rest: Buffer;
}

/** The dispatcher's end of the socket, for one node at a time. */
export class ScriptedDispatcher {
    readonly messages: LinkMessage[] = [];
    socket!: WebSocket;
    dials = 0;
    private readonly server = new WebSocketServer({ port: 0, host: '127.0.0.1' });

    constructor(private readonly scope: { network: Buffer; hub: Buffer; replica?: string } = { network, hub }) {
        this.server.on('connection', (socket) => {
            this.dials += 1;
            this.socket = socket;
            socket.on('message', (data: Buffer) => {
                for (const message of messagesIn(data)!)
                    this.messages.push({
                        operation: message[0]!,
                        requestId: message.subarray(1, 17),
                        rest: message.subarray(17),
                    });
            });
            const challenge = bytesOf(`challenge ${this.dials}`).toString('hex');
            const { network: net, hub: payout, replica } = this.scope;
            const scoped = { network: net.toString('hex'), hub: payout.toString('hex'), challenge, replica };
            socket.send(encodeJsonMessage(linkOperation.challenge, scoped));
        });
    }

    get hub(): Buffer {
        return this.scope.hub;
    }

    async url(): Promise<string> {
        if (!this.server.address()) await once(this.server, 'listening');
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    request(envelope: Buffer): void {
        this.socket.send(Buffer.concat([Buffer.from([linkOperation.request]), envelope]));
    }

    resume(envelope: Buffer): void {
        this.socket.send(Buffer.concat([Buffer.from([linkOperation.resume]), envelope]));
    }

    tellReplicas(urls: string[]): void {
        this.socket.send(encodeJsonMessage(linkOperation.replicas, { urls }));
    }

    say(operation: number, requestId: Buffer): void {
        this.socket.send(encodeRequestMessage(operation, requestId));
    }

    of(operation: number): LinkMessage[] {
        return this.messages.filter((message) => message.operation === operation);
    }

    /** All frames of a request so far. */
    wire(requestId: Buffer): Buffer {
        const frames = this.of(linkOperation.frames).filter((message) => message.requestId.equals(requestId));
        return Buffer.concat(frames.map(({ rest }) => rest));
    }

    stop(): void {
        for (const client of this.server.clients) client.terminate();
        this.server.close();
    }
}
