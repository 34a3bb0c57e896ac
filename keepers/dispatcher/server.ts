import Fastify, { type FastifyInstance } from 'fastify';
import { WebSocketServer } from 'ws';
import type { Logger } from '../base';
import { DispatchError, maxLinkMessageBytes } from '../dispatch';
import { httpOutput, sendJsonError } from './http-output';
import type { DispatcherService } from './service';

export interface DispatcherServerOptions {
    service: DispatcherService;
    maxBodyBytes: number;
    logger: Logger;
}

/** To read a request whole; answers may take longer. */
const requestTimeoutMs = 120_000;

/** The dispatcher's HTTP side for gateways and WebSocket side for nodes (docs/protocol.md). */
export function createDispatcherServer(options: DispatcherServerOptions): FastifyInstance {
    const { service, logger } = options;
    const server = Fastify({
        bodyLimit: options.maxBodyBytes,
        requestTimeout: requestTimeoutMs,
        logger: false,
        forceCloseConnections: true,
    });
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
        done(null, body),
    );
    server.setErrorHandler((error, _request, reply) => {
        const answer = asDispatchError(error, logger);
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
    acceptNodes(server, service);
    return server;
}

interface Since {
    Querystring: { since?: string };
}

/** Evidence is large and rarely changes, load is small and always does: each is read at its own pace, changes alone. */
function registerFeeds(server: FastifyInstance, service: DispatcherService): void {
    server.get<Since>('/v1/directory', (request, reply) => {
        const tag = `"${service.directoryTag}"`;
        void reply.header('etag', tag).header('cache-control', 'no-cache');
        if (request.headers['if-none-match'] === tag) return reply.code(304).send();
        return reply.send(service.directory(sinceOf(request.query)));
    });
    server.get<Since>('/v1/load', (request) => service.load(sinceOf(request.query)));
}

function sinceOf({ since }: Since['Querystring']): string | undefined {
    return typeof since === 'string' ? since : undefined;
}

function registerRelay(server: FastifyInstance, { service, logger }: DispatcherServerOptions): void {
    server.post('/v1/requests', async (request, reply) => {
        if (!(request.body instanceof Buffer))
            throw new DispatchError('envelope_invalid', 'send the envelope as application/octet-stream');
        const { raw } = reply.hijack();
        const cancelled = new AbortController();
        raw.once('close', () => {
            if (!raw.writableFinished) cancelled.abort();
        });
        raw.on('error', () => cancelled.abort());
        try {
            await service.relay(request.body, httpOutput(raw), cancelled.signal);
        } catch (error) {
            const answer = asDispatchError(error, logger);
            if (raw.headersSent) raw.destroy();
            else sendJsonError(raw, answer);
        }
    });
}

function registerRaise(server: FastifyInstance, service: DispatcherService): void {
    server.post<{ Params: { id: string } }>('/v1/requests/:id/cap', async (request, reply) => {
        if (!/^[0-9a-f]{32}$/.test(request.params.id) || !(request.body instanceof Buffer))
            throw new DispatchError('cap_invalid', 'send the raise as application/octet-stream');
        await service.raise(Buffer.from(request.params.id, 'hex'), request.body);
        return reply.code(204).send();
    });
}

function acceptNodes(server: FastifyInstance, service: DispatcherService): void {
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxLinkMessageBytes });
    server.server.on('upgrade', (request, socket, head) => {
        if (request.url !== '/v1/nodes/connect') return socket.destroy();
        sockets.handleUpgrade(request, socket, head, (webSocket) => service.connect(webSocket));
    });
    server.addHook('onClose', async () => {
        for (const socket of sockets.clients) socket.terminate();
    });
}

function asDispatchError(error: unknown, logger: Logger): DispatchError {
    if (error instanceof DispatchError) return error;
    const { code, statusCode } = error as { code?: string; statusCode?: number };
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new DispatchError('body_too_large', 'the envelope is too large');
    if (statusCode !== undefined && statusCode < 500)
        return new DispatchError('envelope_invalid', 'send the envelope as application/octet-stream');
    logger.error({ err: error }, 'a request failed in the dispatcher');
    return new DispatchError('node_lost', 'the dispatcher failed; its log says why', { cause: error });
}
