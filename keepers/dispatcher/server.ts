import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Server as TlsServer } from 'node:tls';
import Fastify, { type FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../base';
import { DispatchError, maxGatewayMessageBytes, maxHelloBytes, maxNodeMessageBytes } from '../dispatch';
import { BodyIntake } from './body-intake';
import { asDispatchError, sendJsonError } from './error-answers';
import { registerFeeds } from './feeds';
import { GatewayLink } from './gateway-link';
import { httpOutput } from './http-output';
import { receiveRequest } from './received-request';
import type { DispatcherService } from './service';
import type { TlsPair } from './tls-files';

export interface DispatcherServerOptions {
    service: DispatcherService;
    maxBodyBytes: number;
    /** Of bodies on their way here, over all connections. */
    maxReceivingBytes?: number;
    logger: Logger;
    /** PEM; without it something in front must speak TLS to the world. */
    tls?: TlsPair;
}

/** To read a request whole; answers may take longer. */
const requestTimeoutMs = 120_000;
const defaultMaxReceivingBytes = 512 * 1024 * 1024;

/** The dispatcher's HTTP side for gateways and WebSocket side for nodes (docs/protocol.md). */
export function createDispatcherServer(options: DispatcherServerOptions): FastifyInstance {
    const { service, logger, tls } = options;
    const server = Fastify({
        ...(tls && { https: { cert: tls.certificate, key: tls.key } }),
        bodyLimit: options.maxBodyBytes,
        requestTimeout: requestTimeoutMs,
        logger: false,
        forceCloseConnections: true,
    });
    const { maxBodyBytes, maxReceivingBytes = defaultMaxReceivingBytes } = options;
    const bodies = new BodyIntake({ maxBodyBytes, maxReceivingBytes });
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('application/octet-stream', (_request: unknown, body: IncomingMessage) =>
        bodies.read(body),
    );
    server.setErrorHandler((error, _request, reply) => {
        const answer = asDispatchError(error, logger);
        if (answer.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(answer.retryAfterMs / 1_000));
        void reply.code(answer.status).send(answer.toJSON());
    });
    server.setNotFoundHandler((request, reply) => {
        const answer = new DispatchError(
            'not_found',
            `${request.method} ${request.url.split('?')[0]} is not served here`,
        );
        void reply.code(answer.status).send(answer.toJSON());
    });
    server.get('/healthz', () => ({ ok: true }));
    server.get('/readyz', (_request, reply) =>
        reply.code(service.ready ? 200 : 503).send({ ready: service.ready, nodes: service.connectedNodes }),
    );
    server.get('/v1/info', () => service.info());
    registerFeeds(server, service);
    server.get<{ Params: { id: string } }>('/v1/requests/:id', (request) => {
        if (!/^[0-9a-f]{32}$/.test(request.params.id))
            throw new DispatchError('envelope_invalid', 'a request id is 16 bytes in hex');
        return service.requestState(Buffer.from(request.params.id, 'hex'));
    });
    registerRelay(server, options);
    registerRaise(server, service);
    acceptLinks(server, options);
    return server;
}

/** For connections from now on, of a server that was created with TLS. */
export function renewCertificate(server: FastifyInstance, { certificate, key }: TlsPair): void {
    (server.server as unknown as TlsServer).setSecureContext({ cert: certificate, key });
}

function registerRelay(server: FastifyInstance, { service, logger }: DispatcherServerOptions): void {
    server.post<{ Querystring: { from?: string } }>('/v1/requests', async (request, reply) => {
        if (!(request.body instanceof Buffer))
            throw new DispatchError('envelope_invalid', 'send the envelope as application/octet-stream');
        const resumeFrom = positionOf(request.query.from);
        const { raw } = reply.hijack();
        const cancelled = new AbortController();
        raw.once('close', () => {
            if (!raw.writableFinished) cancelled.abort();
        });
        raw.on('error', () => cancelled.abort());
        try {
            await service.relay(receiveRequest(request.body, resumeFrom), httpOutput(raw), cancelled.signal);
        } catch (error) {
            const answer = asDispatchError(error, logger);
            if (raw.headersSent) raw.destroy();
            else sendJsonError(raw, answer);
        }
    });
}

/** Bytes of the answer that the gateway has, where it resumes a request. */
function positionOf(from: string | undefined): number | undefined {
    if (from === undefined) return undefined;
    if (/^\d{1,15}$/.test(from)) return Number(from);
    throw new DispatchError('envelope_invalid', '"from" is a number of bytes');
}

function registerRaise(server: FastifyInstance, service: DispatcherService): void {
    server.post<{ Params: { id: string } }>('/v1/requests/:id/cap', async (request, reply) => {
        if (!/^[0-9a-f]{32}$/.test(request.params.id) || !(request.body instanceof Buffer))
            throw new DispatchError('cap_invalid', 'send the raise as application/octet-stream');
        await service.raise(Buffer.from(request.params.id, 'hex'), request.body);
        return reply.code(204).send();
    });
}

/** Idle connections are cheap, not free; who gets none uses POST. */
const maxGatewayLinks = 4_096;

function acceptLinks(server: FastifyInstance, { service, logger }: DispatcherServerOptions): void {
    const nodes = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxNodeMessageBytes });
    const gateways = new WebSocketServer({
        noServer: true,
        perMessageDeflate: false,
        maxPayload: maxGatewayMessageBytes,
    });
    let closing = false;
    server.server.on('upgrade', (request, socket, head) => {
        // One that came after the others were ended would keep the server from closing.
        if (closing) return refuseUpgrade(socket, '503 Service Unavailable');
        if (request.url === '/v1/nodes/connect')
            return nodes.handleUpgrade(request, socket, head, (webSocket) => {
                boundHello(webSocket, socket);
                service.connect(webSocket);
            });
        if (request.url !== '/v1/gateways/connect') return refuseUpgrade(socket, '404 Not Found');
        if (gateways.clients.size >= maxGatewayLinks) return refuseUpgrade(socket, '503 Service Unavailable');
        gateways.handleUpgrade(request, socket, head, (webSocket) => {
            new GatewayLink({ socket: webSocket, service, logger });
        });
    });
    server.addHook('preClose', async () => {
        closing = true;
        for (const socket of [...nodes.clients, ...gateways.clients]) socket.terminate();
    });
}

/** Of a hello: frame headers and what comes in one breath with it. */
const maxBeforeHelloBytes = maxHelloBytes + 128 * 1024;

/** Anybody can dial in: until the hello is there no more than that is kept in memory for it. */
function boundHello(webSocket: WebSocket, socket: Duplex): void {
    let bytes = 0;
    const count = (data: Buffer) => {
        bytes += data.length;
        if (bytes > maxBeforeHelloBytes) webSocket.terminate();
    };
    socket.on('data', count);
    webSocket.once('message', () => {
        bytes = -Infinity;
        socket.off('data', count);
    });
}

function refuseUpgrade(socket: Duplex, status: string): void {
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
