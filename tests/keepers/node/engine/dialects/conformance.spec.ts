import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { connectEngine, type EngineEvent, OpenAiCompatibleEngine } from '../../../../../keepers/node/engine';
import { ask, readAnswer } from '../read-answer';
import type { Scripted } from './dialect-fixture';
import { llamaServer } from './llama-server';
import { ollama } from './ollama';
import { startScriptedEngine } from './scripted-engine';
import { sglang } from './sglang';
import { vllm } from './vllm';

const promptCanary = 'CANARY-PROMPT-4c1d';
const answerCanary = 'CANARY-ANSWER-99e0';

const script: Scripted = {
    model: 'm',
    pieces: ['Grüß', ' dich 🌴', ' "usage": {} \\', ` ${answerCanary}`],
    reasoning: 'Let me think.',
    toolCall: { name: 'weather', arguments: ['{"city":', '"Graz"}'] },
    logprobs: true,
    prompt: 21,
    cached: 16,
    completion: 9,
    reasoningTokens: 3,
};

/** Spelled as no JSON library would: a number beyond 2^53, one with a point, an unknown field, an image. */
const asked = (more = '') =>
    `{"model":"m", "seed":12345678901234567890,"temperature":1.0,"x_own":{"a":[ ]},"logprobs":true,` +
    `"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}],` +
    `"messages":[{"role":"user","content":[{"type":"text","text":"${promptCanary}"},` +
    `{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}]}]${more}}`;

describe.each([vllm, sglang, ollama, llamaServer])('the adapter with $name', (fixture) => {
    let server: Awaited<ReturnType<typeof startScriptedEngine>>;
    let engine: OpenAiCompatibleEngine;
    const signal = new AbortController().signal;
    const used = {
        promptTokens: 21,
        cachedPromptTokens: fixture.tells.cached ? 16 : 0,
        completionTokens: 9,
        reasoningTokens: fixture.tells.reasoning ? 3 : 0,
    };

    const start = async (changed: Partial<Scripted> = {}) => {
        server = await startScriptedEngine(fixture, { ...script, ...changed });
        engine = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl, dialect: fixture.name });
    };
    beforeEach(() => start());
    afterEach(async () => {
        await engine.close();
        await server.stop();
    });
    const failure = async (body: unknown) => {
        const error: unknown = await readAnswer(ask(engine, body)).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(Error);
        return error as Error;
    };

    describe('a stream', () => {
        const eventsOf = (body: string) => body.split('\n\n').map((event) => event.replace(/^data: /, ''));
        const withoutUsage = (event: string) => {
            if (event === '[DONE]') return event;
            const { usage, ...rest } = JSON.parse(event) as { usage?: object | null; choices: unknown[] };
            return usage && rest.choices.length === 0 ? undefined : rest;
        };

        it('passes text, reasoning, tool calls and log probabilities on, and hides a count nobody asked for', async () => {
            const { body, usage } = await readAnswer(ask(engine, asked(',"stream":true')));
            const got = eventsOf(body).filter((event) => event !== '');
            expect(usage).toEqual(used);
            expect(body).not.toContain('_tokens":');
            const parsed = got.map((event) => (event === '[DONE]' ? event : (JSON.parse(event) as unknown)));
            expect(parsed).toEqual(server.written.map(withoutUsage).filter((event) => event !== undefined));
            expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
        });

        it('leaves every other byte of a chunk as the engine spelled it', async () => {
            const { body } = await readAnswer(ask(engine, asked(',"stream":true')));
            const kept = server.written.filter((event) => !event.includes('"choices":[],'));
            const strip = (event: string) =>
                event.replace(/,"usage":(null|\{[^{}]*(\{[^{}]*\}[^{}]*)*\})(?=[,}]*$)/, '');
            expect(body).toBe(kept.map((event) => `data: ${strip(event)}\n\n`).join(''));
        });

        it('keeps the count for a client who asked', async () => {
            const { body, usage } = await readAnswer(
                ask(engine, asked(',"stream":true,"stream_options":{"include_usage":true}')),
            );
            expect(body).toBe(server.written.map((event) => `data: ${event}\n\n`).join(''));
            expect(body).toContain('"choices":[],');
            expect(usage).toEqual(used);
        });

        it('carries comments, by which an engine keeps a connection alive', async () => {
            server.departure.comments = true;
            const { body, usage } = await readAnswer(ask(engine, asked(',"stream":true')));
            expect(body).toContain(': ping');
            expect(usage).toEqual(used);
        });

        it('of several choices counts what all of them took, on the way too, or refuses to make them', async () => {
            await engine.close();
            await server.stop();
            await start({ choices: 2 });
            if (fixture.name === 'ollama' || fixture.name === 'llama-server') {
                const refused = readAnswer(ask(engine, asked(',"stream":true,"n":2')));
                await expect(refused).rejects.toMatchObject({ code: 'unsupported_parameter', status: 400, param: 'n' });
                expect((await readAnswer(ask(engine, asked(',"n":1')))).status).toBe(200);
                return;
            }
            server.departure.paced = true;
            const events: EngineEvent[] = [];
            for await (const event of ask(engine, asked(',"stream":true,"n":2'))) events.push(event);
            const counts = events.flatMap((event) =>
                event.type === 'chunk' && event.usage ? [event.usage.completionTokens] : [],
            );
            expect(counts).toEqual([...counts].sort((one, other) => one - other));
            // Not with the last count alone: from the last token on.
            expect(counts.filter((count) => count === 18).length).toBeGreaterThanOrEqual(3);
            expect(events.at(-1)).toMatchObject({ type: 'end', usage: { completionTokens: 18, promptTokens: 21 } });
        });
    });

    if (fixture.name === 'llama-server')
        it.each(['n_predict', 'n_cmpl'])(
            'refuses %s, which it follows rather than what the price goes by',
            async (param) => {
                const refused = readAnswer(ask(engine, asked(`,"max_tokens":1,"${param}":4096`)));
                await expect(refused).rejects.toMatchObject({ code: 'unsupported_parameter', status: 400, param });
            },
        );

    it('passes a whole answer on byte for byte and reads its count', async () => {
        const { body, usage } = await readAnswer(ask(engine, asked()));
        expect(body).toBe(JSON.stringify(fixture.whole(script)));
        expect(usage).toEqual(used);
    });

    it('sends what the client wrote, byte for byte, after fields of its own', async () => {
        for (const more of ['', ',"stream":true']) {
            await readAnswer(ask(engine, asked(more)));
            const sent = server.inferences().at(-1)!.body;
            expect(sent.endsWith(asked(more).slice(1))).toBe(true);
            expect(Object.keys(JSON.parse(sent) as object)).toEqual(
                expect.arrayContaining(Object.keys(JSON.parse(asked(more)) as object)),
            );
        }
    });

    describe('an engine that refuses or fails', () => {
        it('its refusal reaches the client in the shape of OpenAI, free of charge', async () => {
            server.departure.refuse = true;
            const { status, body, usage } = await readAnswer(ask(engine, asked(',"stream":true')));
            const { error } = JSON.parse(body) as { error: Record<string, unknown> };
            expect(status).toBe(fixture.refusal.status);
            expect(error).toMatchObject({ message: fixture.refusal.message, type: expect.any(String) as string });
            expect(Object.keys(error)).toEqual(expect.arrayContaining(['code', 'message', 'type']));
            expect(usage).toMatchObject({ promptTokens: 0, completionTokens: 0 });
        });

        it.each(['failAfter', 'cutAfter'] as const)(
            'in mid-stream it is an error, not a short answer: %s',
            async (how) => {
                server.departure[how] = 4;
                const error = await failure(asked(',"stream":true'));
                expect(error).toMatchObject({ code: 'engine_failed', status: 502 });
            },
        );

        it('no text of the client or the model is in any error', async () => {
            const bodies = [asked(',"stream":true'), asked(',"stream":"yes"'), asked(',"stream":true,'), promptCanary];
            const departures = [{ failAfter: 5 }, { cutAfter: 7 }, {}];
            for (const departure of departures) {
                Object.assign(server.departure, { failAfter: undefined, cutAfter: undefined }, departure);
                for (const body of bodies) {
                    const error = await readAnswer(ask(engine, body)).catch((thrown: unknown) => thrown);
                    if (error instanceof Error) expect(inspect(error, { depth: 9 })).not.toContain('CANARY');
                }
            }
            await server.stop();
            expect(inspect(await failure(asked()), { depth: 9 })).not.toContain('CANARY');
        });
    });

    describe('a client who leaves', () => {
        it.each(['a stream', 'a whole answer'])('stops the engine within a second: %s', async (kind) => {
            server.departure.hangAfter = 3;
            const leaving = new AbortController();
            const body = asked(kind === 'a stream' ? ',"stream":true' : '');
            const reading = readAnswer(ask(engine, body, { signal: leaving.signal })).catch(
                (thrown: unknown) => thrown,
            );
            while (server.inferences().length === 0) await sleep(5);
            await sleep(30);
            const leftAt = Date.now();
            leaving.abort();
            expect(await reading).toMatchObject({ code: 'cancelled' });
            expect((await server.stoppedAt()) - leftAt).toBeLessThan(1_000);
            server.departure.hangAfter = undefined;
            expect((await readAnswer(ask(engine, asked()))).status).toBe(200);
        });
    });

    it('a stream that breaks off is counted as far as it went, or as far as its events show', async () => {
        Object.assign(server.departure, { hangAfter: 4, paced: true });
        const leaving = new AbortController();
        const events: EngineEvent[] = [];
        const reading = (async () => {
            for await (const event of ask(engine, asked(',"stream":true'), { signal: leaving.signal })) {
                events.push(event);
                if (server.written.length === 4) setTimeout(() => leaving.abort(), 30);
            }
        })();
        await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
        const last = events.at(-1)!;
        const counted = last.type === 'chunk' ? last.usage : undefined;
        expect(counted?.promptTokens).toBeGreaterThanOrEqual(1);
        expect(counted?.completionTokens).toBeGreaterThanOrEqual(2);
        expect(counted?.completionTokens).toBeLessThanOrEqual(4);
    });

    describe('what one client asked', () => {
        const by = async (cacheSalt: string | undefined, more = '') => {
            const request = { method: 'POST' as const, path: '/v1/chat/completions', headers: {} };
            await readAnswer(
                engine.run({ ...request, body: Buffer.from(asked(more)), ...(cacheSalt && { cacheSalt }) }, signal),
            );
            return server.hits.at(-1);
        };

        it('is found in the cache by that client alone', async () => {
            expect([await by('alice'), await by('alice'), await by('bob'), await by('bob')]).toEqual([
                false,
                fixture.name !== 'llama-server',
                false,
                fixture.name !== 'llama-server',
            ]);
        });

        it('is found by nobody where it has no salt', async () => {
            expect([await by(undefined), await by(undefined), await by('alice')]).toEqual([false, false, false]);
        });

        it('is not found by one who writes the salt of another', async () => {
            await by('alice');
            const spoofs = ['"cache_salt":"alice"', '"extra_key":"alice"', '"cache_salt":"x","cache_salt":"alice"'];
            const found = [];
            for (const [at, spoof] of spoofs.entries()) found.push(await by(`mallory ${at}`, `,${spoof}`));
            expect(found).toEqual([false, false, false]);
        });
    });

    describe('before it offers anything', () => {
        it('is asked for a token, and runs no more at once than it says', async () => {
            const connected = await connectEngine({ baseUrl: server.baseUrl, maxConcurrency: 512 });
            try {
                expect(server.inferences().map(({ body }) => JSON.parse(body) as object)).toMatchObject([
                    { model: 'm', max_tokens: 1 },
                ]);
                expect(connected.maxConcurrency).toBe(fixture.concurrency);
                expect(await connected.describe(signal)).toEqual([
                    {
                        id: 'm',
                        contextLength: fixture.contextLength,
                        capabilities: ['chat.completions', 'completions'],
                    },
                ]);
                expect(await connected.health(signal)).toEqual({ ok: true, detail: 'serves m' });
                server.departure.unhealthy = true;
                expect(await connected.health(signal)).toMatchObject({ ok: false });
            } finally {
                await connected.close();
            }
        });

        it('must answer its first request', async () => {
            server.departure.refuse = true;
            const options = { baseUrl: server.baseUrl, dialect: fixture.name };
            await expect(connectEngine(options)).rejects.toMatchObject({ code: 'engine_failed' });
        });
    });
});

test('each dialect names its sources to the commit', () => {
    for (const { sources } of [vllm, sglang, ollama, llamaServer])
        for (const source of sources) expect(source).toMatch(/^[\w-]+\/[\w.-]+ [\w./-]+ [0-9a-f]{40}$/);
});

test('an engine of no known kind must be named', async () => {
    const routes = { '/v1/models': { object: 'list', data: [{ id: 'm', owned_by: 'somebody' }] } };
    const server = await startScriptedEngine({ ...vllm, routes }, script);
    await expect(connectEngine({ baseUrl: server.baseUrl })).rejects.toMatchObject({ code: 'engine_unavailable' });
    await server.stop();
});
