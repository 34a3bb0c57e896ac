import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../answer';
import { GatewayError } from '../errors';
import { keyOf } from '../key-hooks';
import { inferencePaths } from '../request-shape';
import type { GatewayServerOptions } from '../server';

/** POST routes that a node answers: sealed, relayed, opened, paid. */
export function registerInferenceRoutes(server: FastifyInstance, options: GatewayServerOptions): void {
    for (const path of inferencePaths) {
        server.post(path, async (request, reply) => {
            const cancelled = cancelOnDisconnect(request, reply);
            const answer = await options.service.ask({
                path,
                body: bodyOf(request),
                accept: request.headers.accept ?? '*/*',
                timeoutMs: timeoutOf(request),
                nodeId: headerOf(request, 'x-cocoon-node'),
                maxOutputPriceNano: priceOf(request),
                signal: cancelled,
                key: keyOf(request),
            });
            await deliver(answer, reply, options);
        });
    }
}

/** Raw bytes: the server's only content-type parser keeps them. */
function bodyOf(request: FastifyRequest): Buffer {
    const { body } = request;
    return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Aborts when the caller goes away, so that the engine stops and no more is paid for. */
function cancelOnDisconnect(request: FastifyRequest, reply: FastifyReply): AbortSignal {
    const controller = new AbortController();
    reply.raw.once('close', () => {
        if (!reply.raw.writableFinished) controller.abort(new GatewayError('request_timeout', 'the caller went away'));
    });
    request.raw.once('error', () => controller.abort());
    return controller.signal;
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
    const value = request.headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
}

function timeoutOf(request: FastifyRequest): number | undefined {
    const text = headerOf(request, 'x-cocoon-timeout');
    if (text === undefined) return undefined;
    if (!/^\d{1,6}$/.test(text) || text === '0') {
        throw new GatewayError('invalid_request', 'X-Cocoon-Timeout must be whole seconds above zero', {
            param: 'X-Cocoon-Timeout',
        });
    }
    return Number(text) * 1000;
}

function priceOf(request: FastifyRequest): bigint | undefined {
    const text = headerOf(request, 'x-cocoon-max-price');
    if (text === undefined) return undefined;
    if (!/^\d{1,20}$/.test(text)) {
        throw new GatewayError('invalid_request', 'X-Cocoon-Max-Price must be whole nanoTON a million output tokens', {
            param: 'X-Cocoon-Max-Price',
        });
    }
    return BigInt(text);
}

/** A stream goes out as it comes; anything else is held back until its final receipt proves it whole. */
async function deliver(answer: Answer, reply: FastifyReply, options: GatewayServerOptions): Promise<void> {
    if (answer.streaming) return deliverStream(answer, reply, options);
    const body = await answer.wholeBody();
    const receipt = await answer.settled;
    void reply.code(answer.status).headers({ ...answer.headers, ...receipt.headers });
    await reply.send(body);
}

async function deliverStream(answer: Answer, reply: FastifyReply, options: GatewayServerOptions): Promise<void> {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(answer.status, {
        ...answer.headers,
        'x-cocoon-node': answer.nodeId,
        'x-cocoon-receipt': answer.requestId,
    });
    raw.flushHeaders();
    try {
        for await (const chunk of answer.body) {
            if (!raw.write(chunk) && !raw.destroyed) await drained(raw);
        }
        await answer.settled;
        raw.end();
    } catch (error) {
        const failure =
            error instanceof GatewayError
                ? error
                : new GatewayError('internal_error', 'the answer broke off', { cause: error });
        options.logger.warn({ code: failure.code, requestId: answer.requestId }, 'stream failed');
        // The status is long sent: an error event is what OpenAI's clients raise on, and no [DONE] follows.
        if (!raw.destroyed) raw.end(`\n\ndata: ${JSON.stringify(failure.toJSON())}\n\n`);
    }
}

/** Resolves when there is room again or nobody reads any more; leaves no listener behind, however often it is called. */
function drained(raw: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
        const done = () => {
            raw.off('drain', done).off('close', done);
            resolve();
        };
        raw.on('drain', done).on('close', done);
    });
}
