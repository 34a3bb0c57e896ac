import { once } from 'node:events';
import { WebSocket } from 'ws';
import {
    closeSocket,
    decodeJson,
    encodeResume,
    failureSchema,
    gatewayMessage,
    gatewayOperation,
    keepAlive,
    LinkWriter,
    maxGatewayMessageBytes,
    maxLinkedEnvelopeBytes,
    maxStreamsPerLink,
    messageHeaderBytes,
    messagesIn,
    type RelayFailure,
    requestNamed,
} from '../dispatch';
import type { Relayed, RelayedRequest } from './dispatcher-client';
import { LinkedAnswer, LinkLost } from './linked-answer';

const connectTimeoutMs = 5_000;
/** How long a close may take before the socket is cut. */
const closeGraceMs = 2_000;
const unreadable: RelayFailure = { status: 502, code: 'unreadable', message: 'the dispatcher failed without a word' };

/** The dispatcher cannot be reached: nothing of any request has left. */
export class DialFailed extends Error {}

/** It answers, but has no link: another implementation, or something between that knows no WebSockets. */
export class NoLink extends Error {}

interface Raising {
    taken: () => void;
    refused: (reason: Error) => void;
}

/** The gateway's one connection to a dispatcher: requests and answers of all its callers. */
export class RelayLink {
    private readonly answers = new Map<string, LinkedAnswer>();
    private readonly raising = new Map<string, Raising>();
    private readonly writer: LinkWriter;

    private constructor(private readonly socket: WebSocket) {
        this.writer = new LinkWriter(socket);
        keepAlive(socket);
        socket.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
        socket.on('error', () => socket.terminate());
        socket.once('close', () => this.breakAll(new LinkLost('the connection to the dispatcher was lost')));
    }

    /** @throws DialFailed, NoLink */
    static async dial(url: string): Promise<RelayLink> {
        const socket = new WebSocket(`${url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/gateways/connect`, {
            perMessageDeflate: false,
            maxPayload: maxGatewayMessageBytes,
            handshakeTimeout: connectTimeoutMs,
        });
        let status: number | undefined;
        socket.once('unexpected-response', (request, response) => {
            status = response.statusCode;
            request.destroy(new Error(`status ${status}`));
        });
        try {
            await once(socket, 'open');
        } catch (error) {
            if (status !== undefined) throw new NoLink(`the dispatcher answers the dial with status ${status}`);
            throw new DialFailed('the dispatcher cannot be reached', { cause: error });
        }
        return new RelayLink(socket);
    }

    get open(): boolean {
        return this.socket.readyState === this.socket.OPEN;
    }

    /** Whether a request of this size may go this way now. */
    takes(envelope: Buffer): boolean {
        return this.open && envelope.length <= maxLinkedEnvelopeBytes && this.answers.size < maxStreamsPerLink;
    }

    /** Resolves with the frames as they come, or the refusal; rejects when the link breaks before either. */
    relay({ requestId, envelope, resumeFrom }: RelayedRequest, signal: AbortSignal): Promise<Relayed> {
        const id = requestId.toString('hex');
        const onLeave = () => {
            this.answers.delete(id);
            this.writer.post(gatewayMessage('cancel', requestId));
        };
        signal.throwIfAborted();
        const answer = new LinkedAnswer({ signal, onLeave });
        this.answers.set(id, answer);
        if (resumeFrom === undefined) this.writer.post(gatewayMessage('request', requestId, envelope));
        else this.writer.post(gatewayMessage('resume', requestId, encodeResume(resumeFrom, envelope)));
        return answer.relayed;
    }

    /** Resolves once the raised cap is on the dispatcher's disk. Rejects with its reason, or the signal's. */
    raise(requestId: Buffer, raise: Buffer, signal: AbortSignal): Promise<void> {
        const id = requestId.toString('hex');
        return new Promise<void>((resolve, reject) => {
            const onAbort = () => reject(signal.reason as Error);
            signal.addEventListener('abort', onAbort, { once: true });
            this.raising.set(id, { taken: resolve, refused: reject });
            this.writer.post(gatewayMessage('raise', requestId, raise));
        }).finally(() => this.raising.delete(id));
    }

    close(): void {
        this.writer.flush();
        this.socket.close(1001);
        setTimeout(() => this.socket.terminate(), closeGraceMs).unref();
        this.breakAll(new LinkLost('this gateway is stopping'));
    }

    private receive(data: Buffer, isBinary: boolean): void {
        const messages = isBinary ? messagesIn(data) : undefined;
        if (messages === undefined) return this.drop('binary messages only, one or a well-formed bundle');
        for (const message of messages) {
            if (!this.open) return;
            const id = requestNamed(message);
            if (id === undefined) return this.drop('message too short');
            this.take(message[0]!, id, message.subarray(messageHeaderBytes));
        }
    }

    /** What is about no request of ours is passed over: it may have been left meanwhile. */
    private take(operation: number, id: string, rest: Buffer): void {
        switch (operation) {
            case gatewayOperation.frames:
                return this.answers.get(id)?.deliver(rest);
            case gatewayOperation.end:
                return this.release(id)?.end();
            case gatewayOperation.fail:
                return this.release(id)?.fail(decodeJson(failureSchema, rest) ?? unreadable);
            case gatewayOperation.raised:
                return this.raising.get(id)?.taken();
            case gatewayOperation.notRaised: {
                const { code } = decodeJson(failureSchema, rest) ?? unreadable;
                return this.raising.get(id)?.refused(new Error(`the dispatcher did not take a raised cap: ${code}`));
            }
            default:
                return this.drop(`unknown operation ${operation}`);
        }
    }

    private release(id: string): LinkedAnswer | undefined {
        const answer = this.answers.get(id);
        this.answers.delete(id);
        return answer;
    }

    private drop(reason: string): void {
        closeSocket(this.socket, reason);
        this.breakAll(new LinkLost(`the dispatcher broke the protocol: ${reason}`));
    }

    private breakAll(error: Error): void {
        const answers = [...this.answers.values()];
        this.answers.clear();
        for (const answer of answers) answer.lost(error);
        for (const { refused } of this.raising.values()) refused(error);
    }
}
