import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import { errorMessage } from '../../../base';
import type { DevnetChain } from '../devnet-chain';
import { ChainError } from '../errors';
import { addV4Routes } from '../http-v4/v4-routes';
import { parseOptions, type ResolvedServerOptions } from '../options';
import { accountMethods } from './account-methods';
import type { ApiMethod } from './api-method';
import { blockMethods } from './block-methods';
import { devnetActs, devnetReads } from './devnet-methods';
import { sendMethods } from './send-methods';

/** Where TonClient4 finds its API. */
export const v4Prefix = '/v4';

const apiMethods: Record<string, ApiMethod> = { ...blockMethods, ...accountMethods, ...sendMethods };

const rpcSchema = z.object({
    method: z.string().max(64),
    params: z.record(z.string(), z.unknown()).default({}),
    id: z.union([z.string(), z.number(), z.null()]).optional(),
});

/** toncenter's own path, and those where clients look that are given only a base address. */
const rpcPaths = ['/api/v2/jsonRPC', '/api/v2/', '/api/v2', '/'];

type Refusal = { ok: false; error: string; code: number; reason: string };
type Answer = { ok: true; result: unknown } | Refusal;

/** toncenter's API (v2) and the network's controls over HTTP. Every answer, also to nonsense, is toncenter's JSON. */
export function createServer(chain: DevnetChain, options: ResolvedServerOptions): FastifyInstance {
    const server = fastify({
        bodyLimit: options.bodyLimitBytes,
        requestTimeout: options.requestTimeoutMs,
        connectionTimeout: options.requestTimeoutMs * 2,
        forceCloseConnections: true,
        logger: false,
    });
    for (const path of rpcPaths) server.post(path, (request, reply) => answerRpc(chain, request.body, reply));
    for (const [name, method] of Object.entries(apiMethods)) {
        const url = `/api/v2/${name}`;
        server.get(url, (request, reply) => answer(reply, () => method(chain, request.query)));
        server.post(url, (request, reply) => answer(reply, () => method(chain, request.body)));
    }
    for (const [name, method] of Object.entries(devnetReads)) {
        server.get(`/devnet/${name}`, (request, reply) => answer(reply, () => method(chain, request.query)));
    }
    for (const [name, method] of Object.entries(devnetActs)) {
        server.post(`/devnet/${name}`, (request, reply) => answer(reply, () => method(chain, request.body)));
    }
    addV4Routes(chain, { server, prefix: v4Prefix, answer: v4Answer });
    server.setNotFoundHandler((_request, reply) => send(reply, refused(new ChainError('unknown_route', 'Not Found'))));
    server.setErrorHandler((error, _request, reply) => send(reply, refused(error)));
    return server;
}

/** This API answers with the bare result, and a failure by its status. */
async function v4Answer(run: () => Promise<unknown>): Promise<{ status: number; body: unknown }> {
    try {
        return { status: 200, body: await run() };
    } catch (error) {
        const { code, error: message } = refused(error);
        return { status: code, body: { error: message } };
    }
}

async function answerRpc(chain: DevnetChain, body: unknown, reply: FastifyReply): Promise<void> {
    const id = (body as { id?: unknown } | null)?.id;
    const rpc = { jsonrpc: '2.0', ...(typeof id === 'string' || typeof id === 'number' ? { id } : {}) };
    const run = async () => {
        const call = parseOptions(rpcSchema, body);
        if (!Object.hasOwn(apiMethods, call.method)) throw new ChainError('unknown_method', 'Unknown method');
        return apiMethods[call.method]!(chain, call.params);
    };
    await answer(reply, run, rpc);
}

async function answer(reply: FastifyReply, run: () => Promise<unknown>, extra: object = {}): Promise<void> {
    let result: Answer;
    try {
        result = { ok: true, result: await run() };
    } catch (error) {
        result = refused(error);
    }
    await send(reply, result, extra);
}

function send(reply: FastifyReply, result: Answer, extra: object = {}): FastifyReply {
    return reply.code(result.ok ? 200 : result.code).send({ ...result, ...extra });
}

function refused(error: unknown): Refusal {
    if (error instanceof ChainError) {
        return { ok: false, error: error.message, code: error.httpStatus, reason: error.code };
    }
    const status = (error as { statusCode?: number } | null)?.statusCode;
    if (status === 413) return refused(new ChainError('body_too_large', 'the request is too large', error));
    if (status !== undefined && status < 500)
        return refused(new ChainError('malformed_request', errorMessage(error), error));
    return { ok: false, error: errorMessage(error), code: 500, reason: 'emulation_failed' };
}
