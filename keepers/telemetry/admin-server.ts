import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CocoonError, errorMessage, type Logger } from '../base';
import { refuseForeigners, requireOperator } from './admin-guard';
import { AdminError } from './errors';
import type { RoleTelemetry } from './telemetry';

export interface AdminListen {
    host: string;
    port: number;
    /** Without it nothing can be done here, only looked at. */
    token: string | null;
}

const maxBodyBytes = 4 * 1024;
/** No act may take longer: a round of settlements waits for the chain twice. */
const actTimeoutMs = 300_000;

/** A role's own listener on the loopback: metrics, health, state, and the operator's acts. */
export function createAdminServer(telemetry: RoleTelemetry, token: string | null, logger: Logger): FastifyInstance {
    const server = Fastify({
        bodyLimit: maxBodyBytes,
        requestTimeout: 10_000,
        logger: false,
        forceCloseConnections: true,
        exposeHeadRoutes: false,
    });
    // Read as text after the caller has shown who it is, so that nobody else has anything parsed here.
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    server.addHook('onRequest', async (request, reply) => {
        void reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
        refuseForeigners(request.headers);
        if (request.method === 'POST') requireOperator(request.headers, token);
    });
    server.setErrorHandler((error, _request, reply) => refuse(reply, asAdminError(error, logger)));
    server.setNotFoundHandler((request, reply) => refuse(reply, notFound(request, telemetry)));
    registerViews(server, telemetry);
    registerActs(server, telemetry, logger);
    return server;
}

function registerViews(server: FastifyInstance, telemetry: RoleTelemetry): void {
    server.get('/metrics', async (_request, reply) =>
        reply.type(telemetry.registry.contentType).send(await telemetry.registry.metrics()),
    );
    server.get('/healthz', () => ({ ok: true, role: telemetry.role }));
    server.get('/readyz', (_request, reply) => {
        const readiness = telemetry.readiness.look();
        return reply.code(readiness.ready ? 200 : 503).send(readiness);
    });
    server.get('/status', () => telemetry.status());
    server.get('/admin', () => ({
        acts: [...telemetry.acts].map(([name, { description }]) => ({ name, description })),
    }));
}

function registerActs(server: FastifyInstance, telemetry: RoleTelemetry, logger: Logger): void {
    server.post<{ Params: { act: string } }>('/admin/:act', async (request) => {
        const { act: name } = request.params;
        const act = telemetry.acts.get(name);
        if (act === undefined)
            throw new AdminError('admin_not_found', `there is no act ${name}: GET /admin lists them`);
        const body = act.body.safeParse(jsonOf(request.body));
        if (!body.success)
            throw new AdminError('admin_body_invalid', `${name}: ${z.prettifyError(body.error)}`, body.error);
        logger.info({ act: name }, 'an operator’s act');
        const result = await withinTime(act.run(body.data));
        return { ok: true, ...result };
    });
}

function jsonOf(body: unknown): unknown {
    if (typeof body !== 'string' || body === '') return {};
    try {
        return JSON.parse(body) as unknown;
    } catch (error) {
        throw new AdminError('admin_body_invalid', `the body is not JSON: ${errorMessage(error)}`, error);
    }
}

async function withinTime<Result>(work: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
            () => reject(new AdminError('admin_not_now', 'it still runs; the log says how it ends')),
            actTimeoutMs,
        );
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function notFound(request: FastifyRequest, telemetry: RoleTelemetry): AdminError {
    const name = /^\/admin\/([^/?]+)/.exec(request.url)?.[1];
    if (name !== undefined && telemetry.acts.has(name))
        return new AdminError('admin_method_refused', `/admin/${name} takes POST, not ${request.method}`);
    return new AdminError('admin_not_found', 'GET /metrics, /healthz, /readyz, /status, /admin; POST /admin/<act>');
}

function refuse(reply: FastifyReply, error: AdminError): FastifyReply {
    return reply.code(error.status).send(error.toJSON());
}

function asAdminError(error: unknown, logger: Logger): AdminError {
    if (error instanceof AdminError) return error;
    if ((error as { code?: string }).code === 'FST_ERR_CTP_BODY_TOO_LARGE')
        return new AdminError('admin_body_too_large', `the body is larger than ${maxBodyBytes} bytes`);
    const status = (error as { statusCode?: number }).statusCode;
    if (status !== undefined && status < 500) return new AdminError('admin_body_invalid', errorMessage(error), error);
    const code: string = error instanceof CocoonError ? (error as CocoonError).code : 'unexpected';
    const message = errorMessage(error);
    logger.warn({ code, error: message }, 'an operator’s act failed');
    return new AdminError('admin_failed', message, error);
}
