import type { WebSocket } from 'ws';
import { keepAlive } from './heartbeat';
import {
    type BorneLoad,
    decodeBorneLoad,
    decodeJson,
    decodeRequestMessage,
    encodeJsonMessage,
    linkOperation,
    messageHeaderBytes,
    operationByte,
    refusalSchema,
    type Refusal,
    requestNamed,
    type RequestMessage,
    type Update,
    updateSchema,
} from './link-messages';
import { LinkWriter } from './link-writer';
import { messagesIn } from './message-bundle';

/** Who listens to the answer of one request. */
export interface AnswerListener {
    /** Wire frames as the node sent them, possibly cut anywhere. */
    frames(bytes: Buffer): void;
    /** Before any frame; nothing is owed. */
    refused(refusal: Refusal): void;
    /** The node is gone; no more will come on this link. */
    lost(): void;
    /** The same request was sent again on this link: what comes goes to whoever sent it. */
    superseded(): void;
}

export interface LinkEvents {
    update(update: Update): void;
    orphan(message: RequestMessage): void;
    load(load: BorneLoad): void;
    closed(): void;
}

/** A close frame holds 123 bytes of reason, and the reason may repeat what a peer wrote. */
export function closeSocket(socket: WebSocket, reason: string): void {
    socket.close(1008, reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 120));
}

/** A connected, authenticated node. All its requests share one socket. */
export class NodeLink {
    private readonly answers = new Map<string, AnswerListener>();
    private readonly writer: LinkWriter;

    constructor(
        private readonly socket: WebSocket,
        readonly nodeKey: Buffer,
        private readonly events: LinkEvents,
    ) {
        this.writer = new LinkWriter(socket);
        keepAlive(socket);
        socket.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
        socket.once('close', () => this.finish());
        socket.on('error', () => socket.terminate());
    }

    get inFlight(): number {
        return this.answers.size;
    }

    get open(): boolean {
        return this.socket.readyState === this.socket.OPEN;
    }

    /**
     * @param how `resume`: another replica may have passed it on; a node that has it sends its answer from the start
     * @returns whether the request left; if not, the node has not seen it by way of this link
     */
    send(
        requestId: Buffer,
        envelope: Buffer,
        listener: AnswerListener,
        how: 'request' | 'resume' = 'request',
    ): boolean {
        if (!this.open) return false;
        const id = requestId.toString('hex');
        this.answers.get(id)?.superseded();
        this.answers.set(id, listener);
        this.post(how, envelope);
        // At once: the commit that may follow in this step holds the event loop up.
        this.writer.flush();
        return true;
    }

    /** Where else the node may dial this hub's dispatcher. */
    tellReplicas(urls: readonly string[]): void {
        this.writer.post([encodeJsonMessage(linkOperation.replicas, { urls })]);
    }

    /** Asks the node to stop; its final receipt still comes. */
    cancel(requestId: Buffer): void {
        this.post('cancel', requestId);
    }

    /** A new cap for a running request, as its session signed it. */
    raise(requestId: Buffer, raise: Buffer): void {
        this.post('raise', requestId, raise);
    }

    /** Tells the node that the request's final receipt is on disk here; with whatever else is said to it soon. */
    taken(requestId: Buffer): void {
        this.writer.post([operationByte('taken'), requestId], 'late');
    }

    /** No more frames are expected for the request. */
    release(requestId: Buffer): void {
        this.answers.delete(requestId.toString('hex'));
    }

    close(reason: string): void {
        this.writer.flush();
        closeSocket(this.socket, reason);
    }

    private post(operation: keyof typeof linkOperation, ...pieces: Buffer[]): void {
        this.writer.post([operationByte(operation), ...pieces]);
    }

    private receive(data: Buffer, isBinary: boolean): void {
        const messages = isBinary ? messagesIn(data) : undefined;
        if (messages === undefined) return this.close('binary messages only, one or a well-formed bundle');
        for (const message of messages) if (this.open) this.take(message);
    }

    private take(message: Buffer): void {
        if (message[0] === linkOperation.frames) return this.onFrames(message);
        const payload = message.subarray(1);
        switch (message[0]) {
            case linkOperation.refuse:
                return this.onRefusal(payload);
            case linkOperation.update:
                return this.onUpdate(payload);
            case linkOperation.orphan:
                return this.onOrphan(payload);
            case linkOperation.load:
                return this.onLoad(payload);
            default:
                return this.close(`unknown operation ${message[0]}`);
        }
    }

    /** Frames of a request that was given up are dropped: its receipt comes again as an orphan. */
    private onFrames(message: Buffer): void {
        const id = requestNamed(message);
        if (id === undefined) return this.close('message too short');
        this.answers.get(id)?.frames(message.subarray(messageHeaderBytes));
    }

    private onRefusal(payload: Buffer): void {
        const message = decodeRequestMessage(payload);
        if (message === undefined) return this.close('message too short');
        const answer = this.answers.get(message.requestId.toString('hex'));
        if (answer === undefined) return;
        const refusal = decodeJson(refusalSchema, message.rest);
        if (refusal === undefined) return this.close('refusal is malformed');
        answer.refused(refusal);
    }

    private onUpdate(payload: Buffer): void {
        const update = decodeJson(updateSchema, payload);
        if (update === undefined) return this.close('update is malformed');
        this.events.update(update);
    }

    private onLoad(payload: Buffer): void {
        const load = decodeBorneLoad(payload);
        if (load === undefined) return this.close('load is malformed');
        this.events.load(load);
    }

    private onOrphan(payload: Buffer): void {
        const message = decodeRequestMessage(payload);
        if (message === undefined) return this.close('message too short');
        this.events.orphan(message);
    }

    private finish(): void {
        const answers = [...this.answers.values()];
        this.answers.clear();
        this.events.closed();
        for (const answer of answers) answer.lost();
    }
}
