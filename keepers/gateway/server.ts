import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Logger } from '../base';
import type { ApiKey } from './api-key-file';
import type { ApiKeys } from './api-keys';
import { discardBody } from './discard-body';
import { GatewayError } from './errors';
import type { IdempotencyBook } from './idempotency/idempotency-book';
import { registerKeyHooks } from './key-hooks';
import { registerCocoonRoutes } from './routes/cocoon';
import { inferenceRoutes, registerInferenceRoutes } from './routes/inference';
import { registerModelRoutes } from './routes/models';
import type { GatewayService } from './service';

export interface GatewayServerOptions {
    service: GatewayService;
    idempotency: IdempotencyBook;
    logger: Logger;
    maxBodyBytes: number;
    /** Keys that callers may use; null on a loopback gateway that serves whoever can reach it. */
    apiKeys: ApiKeys | null;
}

/** The OpenAI-compatible HTTP server. Bodies stay raw bytes: what a caller wrote is what its engine reads. */
export function createGatewayServer(options: GatewayServerOptions): FastifyInstance {
    const server = Fastify({
        bodyLimit: options.maxBodyBytes,
        logger: false,
        forceCloseConnections: true,
        // A path that can't even be decoded fails before any route; it is answered in the same shape.
        frameworkErrors: (error, request, reply) =>
            sendError(reply as FastifyReply, asGatewayError(error, options), request as FastifyRequest, options.logger),
    });
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    server.setErrorHandler(async (error, request, reply) => {
        const failure = asGatewayError(error, options);
        if (failure.code === 'request_too_large') await discardBody(request.raw);
        sendError(reply, failure, request, options.logger);
        return reply;
    });
    server.setNotFoundHandler((request, reply) => sendError(reply, notFound(request), request, options.logger));
    const budgetLeft = (key: ApiKey) => options.service.view.budgetLeft(key);
    registerKeyHooks(server, { apiKeys: options.apiKeys, budgetLeft });
    registerModelRoutes(server, options.service.view);
    registerInferenceRoutes(server, options);
    registerCocoonRoutes(server, options.service.view);
    return server;
}

/** Paths that are read, the fixed part of each. */
const readPaths = /^\/(v1\/models(\/.+)?|healthz|readyz|cocoon\/(status|nodes|attestation\/[^/]+|receipts(\/[^/]+)?))$/;

function notFound(request: FastifyRequest): GatewayError {
    const path = request.url.split('?')[0]!;
    if (inferenceRoutes.some((known) => known === path))
        return new GatewayError('method_not_allowed', `${path} takes POST, not ${request.method}`);
    if (readPaths.test(path)) return new GatewayError('method_not_allowed', `${path} takes GET, not ${request.method}`);
    if (path.startsWith('/v1/responses/'))
        return new GatewayError('not_found', 'responses are not kept here: POST /v1/responses answers, and forgets');
    return new GatewayError('not_found', `${request.method} ${path} is not served here`);
}

function asGatewayError(error: unknown, options: GatewayServerOptions): GatewayError {
    if (error instanceof GatewayError) return error;
    if ((error as { code?: string }).code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
        return new GatewayError('request_too_large', `the body is larger than ${options.maxBodyBytes} bytes`);
    }
    const status = (error as { statusCode?: number }).statusCode;
    if (status !== undefined && status < 500)
        return new GatewayError('invalid_request', 'the request is malformed', { cause: error });
    return new GatewayError('internal_error', 'something went wrong in the gateway; its log says what', {
        cause: error,
    });
}

export function sendError(reply: FastifyReply, error: GatewayError, request: FastifyRequest, logger: Logger): void {
    const facts = { code: error.code, status: error.status, path: request.url.split('?')[0], cause: causeOf(error) };
    if (error.status >= 500) logger.warn(facts, 'request failed');
    else logger.debug(facts, 'request refused');
    if (error.retryAfterMs !== undefined) void reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
    void reply.headers(error.headers).code(error.status).type('application/json').send(error.toJSON());
}

/** Name and code only: a cause's message may quote what the caller sent. */
function causeOf(error: Error): string | undefined {
    if (!(error.cause instanceof Error)) return undefined;
    const code = (error.cause as { code?: unknown }).code;
    return typeof code === 'string'
        ? `${error.cause.name} ${code}`
        : `${error.cause.name} ${error.cause.stack?.split('\n')[1]?.trim() ?? ''}`;
}
