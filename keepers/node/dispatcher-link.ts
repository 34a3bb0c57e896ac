import { WebSocket } from 'ws';
import { type Clock, type Logger, systemClock } from '../base';
import {
    type BorneLoad,
    type Challenge,
    challengeSchema,
    decodeJson,
    decodeRequestMessage,
    encodeBorneLoad,
    encodeJsonMessage,
    keepAlive,
    linkOperation,
    LinkWriter,
    maxFramesBytes,
    maxLinkMessageBytes,
    messagesIn,
    operationByte,
    type Refusal,
    replicasSchema,
} from '../dispatch';

export interface DispatcherLinkOptions {
    url: string;
    /** Builds the signed hello for the dispatcher's challenge, or says why there is none. */
    hello: (challenge: Challenge) => object | string;
    onRequest: (envelope: Buffer) => void;
    /** A request that another replica may have passed on. */
    onResume: (envelope: Buffer) => void;
    /** Where else its hub is served. */
    onReplicas: (urls: string[]) => void;
    onCancel: (requestId: Buffer) => void;
    onTaken: (requestId: Buffer) => void;
    onRaise: (requestId: Buffer, raise: Buffer) => void;
    onConnected: () => void;
    onDisconnected: () => void;
    logger: Logger;
    clock?: Clock;
}

const firstDelayMs = 250;
const maxDelayMs = 10_000;
/** A connection that held this long was a good one: the next dial may come quickly again. */
const steadyMs = 5_000;
/** Frames that may wait go out this often: those of all answers at once, since every message costs a system call. */
export const gatherMs = 5;
/** How long a close may take before the socket is cut. */
const closeGraceMs = 2_000;

/** One connection of the node to a dispatcher: dialled out, kept alive, dialled again for as long as it runs. */
export class DispatcherLink {
    private socket: WebSocket | undefined;
    private writer: LinkWriter | undefined;
    private readonly stopping = new AbortController();
    private delayMs = firstDelayMs;
    private loop: Promise<void> | undefined;
    private lastProblem: string | null = null;
    /** Why this side ended the connection. */
    private refusal: string | undefined;

    constructor(private readonly options: DispatcherLinkOptions) {}

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        const { socket } = this;
        this.writer?.flush();
        socket?.close(1001);
        const timer = setTimeout(() => socket?.terminate(), closeGraceMs);
        await this.loop;
        clearTimeout(timer);
    }

    /** Ends the connection there is at once; it is dialled again. */
    drop(): void {
        this.socket?.terminate();
    }

    get connected(): boolean {
        return this.socket?.readyState === WebSocket.OPEN;
    }

    /** Why it is not connected, as far as the dispatcher said. */
    get problem(): string | null {
        return this.connected ? null : this.lastProblem;
    }

    /** Bytes that the socket has not yet passed on. */
    get backlogBytes(): number {
        return this.socket?.bufferedAmount ?? 0;
    }

    /** @param when `soon`: they may wait a few milliseconds for the frames of other answers */
    sendFrames(requestId: Buffer, wire: Buffer, when: 'now' | 'soon' = 'now'): void {
        // In pieces: a whole answer may be larger than a dispatcher takes in one message.
        for (let at = 0; at < wire.length; at += maxFramesBytes)
            this.writer?.post([operationByte('frames'), requestId, wire.subarray(at, at + maxFramesBytes)], when);
    }

    refuse(requestId: Buffer, refusal: Refusal): void {
        this.writer?.post([operationByte('refuse'), requestId, Buffer.from(JSON.stringify(refusal), 'utf8')]);
    }

    sendOrphan(requestId: Buffer, orphan: Buffer): void {
        this.writer?.post([operationByte('orphan'), requestId, orphan]);
    }

    update(update: object): void {
        this.writer?.post([encodeJsonMessage(linkOperation.update, update)]);
    }

    tellLoad(load: BorneLoad): void {
        this.writer?.post([operationByte('load'), encodeBorneLoad(load)]);
    }

    private async run(): Promise<void> {
        const { clock = systemClock, logger } = this.options;
        while (!this.stopping.signal.aborted) {
            const dialledAtMs = clock.monotonicMs();
            const reason = await this.connectOnce();
            if (this.stopping.signal.aborted) return;
            this.lastProblem = reason;
            // A dispatcher that refuses the hello must not be asked again four times a second.
            if (clock.monotonicMs() - dialledAtMs >= steadyMs) this.delayMs = firstDelayMs;
            // Nodes that lost the same dispatcher must not all come back at the same moment.
            const retryInMs = Math.round(this.delayMs * (0.5 + Math.random() / 2));
            logger.warn({ dispatcher: this.options.url, reason, retryInMs }, 'dispatcher connection lost');
            await clock.sleep(retryInMs, this.stopping.signal).catch(() => undefined);
            this.delayMs = Math.min(this.delayMs * 2, maxDelayMs);
        }
    }

    /** One connection from dialling to its end; resolves with why it ended. */
    private connectOnce(): Promise<string> {
        return new Promise((resolve) => {
            const url = `${this.options.url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/nodes/connect`;
            const socket = new WebSocket(url, {
                perMessageDeflate: false,
                maxPayload: maxLinkMessageBytes,
                handshakeTimeout: 10_000,
            });
            let greeted = false;
            this.refusal = undefined;
            let failure = '';
            this.socket = socket;
            this.writer = new LinkWriter(socket, { gatherMs });
            socket.on('error', (error) => (failure = error.message));
            socket.on('open', () => keepAlive(socket));
            socket.on('message', (data: Buffer) => {
                if (greeted) return this.receive(data);
                greeted = this.greet(socket, data);
            });
            socket.on('close', (code, reason) => {
                if (greeted) this.options.onDisconnected();
                resolve(this.refusal ?? (failure || `closed with ${code} ${reason.toString('utf8')}`.trim()));
            });
        });
    }

    private greet(socket: WebSocket, data: Buffer): boolean {
        const challenge =
            data[0] === linkOperation.challenge ? decodeJson(challengeSchema, data.subarray(1)) : undefined;
        const hello = challenge === undefined ? 'no challenge' : this.options.hello(challenge);
        if (typeof hello === 'string') {
            this.refusal = hello;
            socket.close(1008, hello);
            return false;
        }
        socket.send(encodeJsonMessage(linkOperation.hello, hello));
        this.options.onConnected();
        return true;
    }

    /** What does not parse is passed over: the dispatcher is not believed, and the connection serves others too. */
    private receive(data: Buffer): void {
        for (const message of messagesIn(data) ?? []) this.take(message);
    }

    private take(data: Buffer): void {
        const payload = data.subarray(1);
        if (data[0] === linkOperation.replicas) return this.takeReplicas(payload);
        if (data[0] === linkOperation.request || data[0] === linkOperation.resume) {
            // It took our hello, so whatever ends this connection soon is not that: the next dial may come quickly.
            this.delayMs = firstDelayMs;
            return data[0] === linkOperation.request ? this.options.onRequest(payload) : this.options.onResume(payload);
        }
        const message = decodeRequestMessage(payload);
        if (message === undefined) return;
        if (data[0] === linkOperation.cancel) this.options.onCancel(message.requestId);
        if (data[0] === linkOperation.raise) this.options.onRaise(message.requestId, message.rest);
        if (data[0] === linkOperation.taken) this.options.onTaken(message.requestId);
    }

    private takeReplicas(payload: Buffer): void {
        const replicas = decodeJson(replicasSchema, payload);
        if (replicas !== undefined) this.options.onReplicas(replicas.urls);
    }
}
