import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { type SeenRequest, startOpenAiServer } from '../openai-server';
import type { Asked, DialectFixture, Scripted } from './dialect-fixture';

/** How the next answers depart from a good one. */
export interface Departure {
    /** After so many events nothing more comes, and the connection stays. */
    hangAfter?: number;
    /** After so many events: the engine's own failure. */
    failAfter?: number;
    /** After so many events the connection is cut. */
    cutAfter?: number;
    refuse?: boolean;
    unhealthy?: boolean;
    comments?: boolean;
    /** Each event arrives by itself. */
    paced?: boolean;
}

/** An HTTP server that speaks one engine's dialect, caches prompts as that engine does, and stops when that engine would. */
export async function startScriptedEngine(fixture: DialectFixture, script: Scripted) {
    const server = await startOpenAiServer();
    const departure: Departure = {};
    const cached = new Map<string, string>();
    /** Of each request that was answered, whether its prompt was in the cache. */
    const hits: boolean[] = [];
    const written: string[] = [];
    const stopped = new Map<string, number>();
    const running = new Set<string>();

    const cachePrompt = (asked: Asked) => {
        const key = fixture.cacheKey(asked);
        const prompt = JSON.stringify(asked.messages ?? asked.prompt);
        if (key === undefined) return void hits.push(false);
        const slot = fixture.singleSlot ? key : `${key} ${prompt}`;
        hits.push(cached.get(slot) === prompt);
        cached.set(slot, prompt);
    };

    const stream = async (response: ServerResponse, asked: Asked) => {
        response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
        const events = fixture.events(script, asked);
        for (const [at, event] of events.entries()) {
            if (at === departure.hangAfter) return;
            if (at === departure.cutAfter) return void response.destroy();
            if (at === departure.failAfter) {
                if (fixture.failure !== undefined) response.write(`data: ${fixture.failure}\n\ndata: [DONE]\n\n`);
                return void response.end();
            }
            if (departure.comments) response.write(': ping - 2026-11-23 00:00:00\n\n');
            written.push(event);
            await new Promise((resolve) => response.write(`data: ${event}\n\n`, resolve));
            if (departure.paced) await sleep(2);
        }
        response.end();
    };

    const complete = async (response: ServerResponse, asked: Asked, request: SeenRequest) => {
        const rid = typeof asked.rid === 'string' ? asked.rid : 'request';
        running.add(rid);
        const stop = () => running.delete(rid) && void stopped.set(rid, Date.now());
        if (asked.stream || fixture.stopsBy === 'disconnect') void request.closed.then(stop);
        if (departure.refuse) return json(response, fixture.refusal.status, fixture.refusal.body);
        cachePrompt(asked);
        if (asked.stream) return stream(response, asked);
        if (departure.hangAfter === undefined) json(response, 200, fixture.whole(script));
    };

    server.behave(async (response, request) => {
        const asked = (request.body === '' ? {} : JSON.parse(request.body)) as Asked;
        if (request.path === '/api/generate') {
            cached.set('the slot', JSON.stringify(asked.prompt));
            return json(response, 200, { model: asked.model, response: '', done: true });
        }
        if (request.path === '/abort_request') {
            const rid = String(asked.rid);
            if (running.delete(rid)) stopped.set(rid, Date.now());
            return void response.writeHead(200).end();
        }
        if (/^\/v1\/(chat\/)?completions$/.test(request.path)) return complete(response, asked, request);
        if (departure.unhealthy && !request.path.startsWith('/v1')) return json(response, 503, {});
        if (request.path in fixture.routes) return json(response, 200, fixture.routes[request.path]);
        json(response, 404, { detail: 'Not Found' });
    });

    return {
        ...server,
        departure,
        hits,
        written,
        inferences: () => server.seen.filter(({ path }) => /completions$/.test(path)),
        /** When the engine stopped working, in the end. */
        async stoppedAt(): Promise<number> {
            for (let turn = 0; stopped.size === 0 && turn < 300; turn++) await sleep(10);
            return Math.max(0, ...stopped.values()) || Number.POSITIVE_INFINITY;
        },
    };
}

function json(response: ServerResponse, status: number, value: unknown): void {
    const body = value === null ? '' : JSON.stringify(value);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}
