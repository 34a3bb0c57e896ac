import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type AnswerSink, replySink } from '../answer-sink';
import { deliver } from '../deliver';
import { GatewayError } from '../errors';
import { keyOf } from '../key-hooks';
import { type Rendering, untouched } from '../rendering';
import { inferencePaths } from '../request-shape';
import { responsesExchange } from '../responses/responses-exchange';
import type { GatewayServerOptions } from '../server';
import type { Question } from '../question';

const responsesPath = '/v1/responses';

/** POST routes that a node answers: sealed, relayed, opened, paid. */
export const inferenceRoutes = [...inferencePaths, responsesPath] as const;

/** What is asked of a node for a request, and how its answer is spelled for the caller. */
interface Exchange {
    path: string;
    body: Buffer;
    renderingOf: (requestId: string) => Rendering;
}

export function registerInferenceRoutes(server: FastifyInstance, options: GatewayServerOptions): void {
    for (const path of inferenceRoutes) {
        server.post(path, async (request, reply) => {
            const gone = cancelOnDisconnect(request, reply);
            const body = bodyOf(request);
            const exchange =
                path === responsesPath ? responsesExchange(body) : { path, body, renderingOf: () => untouched };
            const asked = askedBy(request);
            const work = async (sink: AnswerSink, more: Pick<Question, 'signal' | 'idempotency'>) =>
                answerInto(sink, exchange, { ...asked, ...more }, options);
            const key = headerOf(request, 'idempotency-key');
            const sink = replySink(reply);
            if (key === undefined) return work(sink, { signal: gone });
            // Keys of one API key mean nothing under another.
            const caller = request.headers.authorization ?? '';
            const keyed = { key, caller, callerIsSecret: asked.key?.hashOnly === true, path, body };
            return options.idempotency.serve(
                keyed,
                (tape, idempotency, signal) => work(tape, { idempotency, signal }),
                { sink, gone },
            );
        });
    }
}

async function answerInto(
    sink: AnswerSink,
    { path, body, renderingOf }: Exchange,
    asked: Omit<Question, 'path' | 'body'>,
    { service, logger }: GatewayServerOptions,
): Promise<void> {
    const answer = await service.ask({ ...asked, path, body });
    await deliver(answer, sink, renderingOf(answer.requestId), logger);
}

/** What headers say of a request. */
function askedBy(request: FastifyRequest) {
    return {
        accept: request.headers.accept ?? '*/*',
        timeoutMs: timeoutOf(request),
        nodeId: headerOf(request, 'x-cocoon-node'),
        maxOutputPriceNano: priceOf(request),
        key: keyOf(request),
    };
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
