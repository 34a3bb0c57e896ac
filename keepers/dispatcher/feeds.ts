import type { FastifyInstance } from 'fastify';
import { DispatchError } from '../dispatch';
import { LargeAnswers } from './large-answers';
import type { DispatcherService } from './service';

interface Part {
    Querystring: { since?: string; limit?: string };
}

/** Evidence is large and rarely changes, load is small and always does: each is read at its own pace, changes alone. */
export function registerFeeds(server: FastifyInstance, service: DispatcherService): void {
    const { directory } = service;
    const large = new LargeAnswers();
    server.get<Part>('/v1/directory', (request, reply) => {
        const tag = `"${directory.tag}"`;
        void reply.header('etag', tag).header('cache-control', 'no-cache');
        if (request.headers['if-none-match'] === tag) return reply.code(304).send();
        const query = { since: sinceOf(request.query), limit: limitOf(request.query) };
        return large.send(reply, directory.json(query));
    });
    server.get<{ Params: { key: string } }>('/v1/directory/nodes/:key', (request, reply) => {
        const row = directory.row(request.params.key);
        if (row === undefined) throw new DispatchError('node_unknown', 'that node is not connected here');
        return reply.type('application/json; charset=utf-8').header('cache-control', 'no-cache').send(row);
    });
    server.get<Part>('/v1/load', (request) => service.load(sinceOf(request.query)));
}

function sinceOf({ since }: Part['Querystring']): string | undefined {
    return typeof since === 'string' ? since : undefined;
}

function limitOf({ limit }: Part['Querystring']): number | undefined {
    if (limit === undefined) return undefined;
    if (typeof limit === 'string' && /^[1-9]\d{0,5}$/.test(limit)) return Number(limit);
    throw new DispatchError('envelope_invalid', '"limit" is a number of nodes');
}
