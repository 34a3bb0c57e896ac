import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import type { ApiKey } from './api-key-file';
import type { ApiKeys } from './api-keys';
import { inferencePaths } from './request-shape';

/** Paths that monitors call without a key. */
const openPaths = new Set(['/healthz', '/readyz']);

const keys = new WeakMap<FastifyRequest, ApiKey>();

/** Whose request it is; undefined on a loopback gateway that serves whoever can reach it. */
export function keyOf(request: FastifyRequest): ApiKey | undefined {
    return keys.get(request);
}

export interface KeyHooks {
    apiKeys: ApiKeys | null;
    /** nanoTON left of the key's tightest budget */
    budgetLeft: (key: ApiKey) => bigint | undefined;
}

/** Authentication, rates and the headers that tell a caller where its key stands. */
export function registerKeyHooks(server: FastifyInstance, { apiKeys, budgetLeft }: KeyHooks): void {
    if (apiKeys === null) return;
    server.addHook('onRequest', async (request, reply) => {
        if (openPaths.has(request.url)) return;
        const key = apiKeys.require(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]);
        keys.set(request, key);
        if (request.method !== 'POST' || !isInference(request.url)) return;
        try {
            reply.raw.once('close', apiKeys.begin(key));
        } finally {
            writeRate(reply.raw, apiKeys, key);
            writeBudget(reply.raw, budgetLeft(key));
        }
    });
    // What a whole answer cost is known before its headers leave; a stream's are long gone.
    server.addHook('onSend', async (request, reply) => {
        const key = keys.get(request);
        if (key !== undefined && isInference(request.url)) writeBudget(reply.raw, budgetLeft(key));
    });
}

function isInference(url: string): boolean {
    const path = url.split('?')[0]!;
    return path === '/v1/responses' || inferencePaths.some((known) => known === path);
}

function writeRate(raw: ServerResponse, apiKeys: ApiKeys, key: ApiKey): void {
    const rate = apiKeys.rate(key);
    if (rate === undefined) return;
    raw.setHeader('x-ratelimit-limit-requests', rate.limit);
    raw.setHeader('x-ratelimit-remaining-requests', rate.remaining);
    raw.setHeader('x-ratelimit-reset-requests', `${Math.ceil(rate.resetMs / 1000)}s`);
}

function writeBudget(raw: ServerResponse, leftNano: bigint | undefined): void {
    if (leftNano === undefined || raw.headersSent) return;
    raw.setHeader('x-cocoon-budget-remaining-nanoton', (leftNano < 0n ? 0n : leftNano).toString());
}
