import type { WebSocket } from 'ws';
import type { Logger } from '../base';
import {
    type AnswerOutput,
    closeSocket,
    decodeRequestMessage,
    decodeResume,
    DispatchError,
    gatewayMessage,
    gatewayOperation,
    keepAlive,
    LinkWriter,
    maxFramesBytes,
    maxLinkedEnvelopeBytes,
    maxStreamsPerLink,
    messagesIn,
    type RequestMessage,
} from '../dispatch';
import { asDispatchError } from './error-answers';
import { receiveRequest } from './received-request';
import type { DispatcherService } from './service';

/** A gateway reads all it is sent, so one that leaves this much has stalled: it is cut off, with all its requests. */
const maxBacklogBytes = 64 * 1024 * 1024;
/** Of requests whose answers have not ended. */
const maxHeldBytes = 64 * 1024 * 1024;

export interface GatewayLinkOptions {
    socket: WebSocket;
    service: Pick<DispatcherService, 'relay' | 'raise'>;
    logger: Logger;
    /** Requests at the same time. */
    maxStreams?: number;
    /** How long the requests of a broken connection run on. */
    cutOffGraceMs?: number;
}

const defaultCutOffGraceMs = 2_000;

/** One gateway's connection: all its requests share it. Nothing authenticates it; each request brings its own signature. */
export class GatewayLink {
    private readonly streams = new Map<string, AbortController>();
    private readonly writer: LinkWriter;
    private heldBytes = 0;

    constructor(private readonly options: GatewayLinkOptions) {
        const { socket } = options;
        this.writer = new LinkWriter(socket, { maxBacklogBytes });
        keepAlive(socket);
        socket.on('message', (data: Buffer, isBinary) => this.receive(data, isBinary));
        socket.once('close', () => this.onClosed());
        socket.on('error', () => socket.terminate());
    }

    private receive(data: Buffer, isBinary: boolean): void {
        const messages = isBinary ? messagesIn(data) : undefined;
        if (messages === undefined) return this.close('binary messages only, one or a well-formed bundle');
        for (const message of messages) {
            if (this.options.socket.readyState !== this.options.socket.OPEN) return;
            this.take(message);
        }
    }

    private take(data: Buffer): void {
        const message = decodeRequestMessage(data.subarray(1));
        if (message === undefined) return this.close('message too short');
        switch (data[0]) {
            case gatewayOperation.request:
                return this.onRequest(message);
            case gatewayOperation.resume:
                return this.onResume(message);
            case gatewayOperation.cancel:
                return this.streams.get(message.requestId.toString('hex'))?.abort();
            case gatewayOperation.raise:
                return void this.onRaise(message);
            default:
                return this.close(`unknown operation ${data[0]}`);
        }
    }

    private onResume({ requestId, rest }: RequestMessage): void {
        const resume = decodeResume(rest);
        if (resume === undefined) return this.close('a malformed resume');
        this.onRequest({ requestId, rest: resume.envelope }, resume.from);
    }

    private onRequest({ requestId, rest }: RequestMessage, resumeFrom?: number): void {
        if (this.streams.has(requestId.toString('hex'))) return this.close('that request runs on this connection');
        // Copies: these outlive the bundle that they came in.
        const id = Buffer.from(requestId);
        const problem = this.refusalOf(rest);
        if (problem !== undefined) return this.fail(id, problem);
        void this.relay(id, Buffer.from(rest), resumeFrom);
    }

    private refusalOf(envelope: Buffer): DispatchError | undefined {
        if (envelope.length > maxLinkedEnvelopeBytes)
            return new DispatchError('body_too_large', 'send requests of this size by POST /v1/requests');
        const { maxStreams = maxStreamsPerLink } = this.options;
        if (this.streams.size < maxStreams && this.heldBytes + envelope.length <= maxHeldBytes) return undefined;
        const message = 'this connection carries as many requests as it may: wait, or use POST /v1/requests';
        return new DispatchError('link_full', message, { retryAfterMs: 1_000 });
    }

    private async relay(requestId: Buffer, envelopeBytes: Buffer, resumeFrom?: number): Promise<void> {
        const cancelled = new AbortController();
        const id = requestId.toString('hex');
        this.streams.set(id, cancelled);
        this.heldBytes += envelopeBytes.length;
        const output = this.outputOf(requestId, cancelled.signal);
        try {
            const request = receiveRequest(envelopeBytes, resumeFrom);
            if (!request.envelope.context.requestId.equals(requestId))
                throw new DispatchError('envelope_invalid', 'the envelope has another request id');
            await this.options.service.relay(request, output, cancelled.signal);
        } catch (error) {
            output.fail(asDispatchError(error, this.options.logger));
        } finally {
            this.streams.delete(id);
            this.heldBytes -= envelopeBytes.length;
        }
    }

    /** Of a request that was cancelled nobody listens any more. */
    private outputOf(requestId: Buffer, cancelled: AbortSignal): AnswerOutput {
        let open = true;
        const last = (act: () => void) => {
            if (open && !cancelled.aborted) act();
            open = false;
        };
        return {
            write: (bytes) => {
                if (!open || cancelled.aborted) return;
                for (let at = 0; at < bytes.length; at += maxFramesBytes)
                    this.writer.post(gatewayMessage('frames', requestId, bytes.subarray(at, at + maxFramesBytes)));
            },
            end: () => last(() => this.writer.post(gatewayMessage('end', requestId))),
            fail: (error) => last(() => this.fail(requestId, error)),
        };
    }

    private async onRaise(message: RequestMessage): Promise<void> {
        const requestId = Buffer.from(message.requestId);
        try {
            await this.options.service.raise(requestId, Buffer.from(message.rest));
            this.writer.post(gatewayMessage('raised', requestId));
        } catch (error) {
            const failure = asDispatchError(error, this.options.logger);
            this.writer.post(gatewayMessage('notRaised', requestId, encodeFailure(failure)));
        }
    }

    private fail(requestId: Buffer, error: DispatchError): void {
        this.writer.post(gatewayMessage('fail', requestId, encodeFailure(error)));
    }

    private close(reason: string): void {
        this.writer.flush();
        closeSocket(this.options.socket, reason);
        this.cancelAll();
    }

    /** The gateway may be cut off rather than gone, and about to take its answers up through another replica. */
    private onClosed(): void {
        setTimeout(() => this.cancelAll(), this.options.cutOffGraceMs ?? defaultCutOffGraceMs).unref();
    }

    private cancelAll(): void {
        for (const cancelled of this.streams.values()) cancelled.abort();
    }
}

function encodeFailure(error: DispatchError): Buffer {
    return Buffer.from(JSON.stringify({ status: error.status, ...error.toJSON().error }), 'utf8');
}
