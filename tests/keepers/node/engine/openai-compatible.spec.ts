import { inspect } from 'node:util';
import { EngineEvent, OpenAiCompatibleEngine, OpenAiCompatibleOptions } from '../../../../keepers/node/engine';
import { json, startOpenAiServer, stream } from './openai-server';
import { ask, readAnswer } from './read-answer';

const USAGE = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
const COUNTED = { promptTokens: 7, cachedPromptTokens: 0, completionTokens: 3, reasoningTokens: 0 };

const delta = (content: string, more: object = {}) =>
    `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content } }], ...more })}\n\n`;
const usageChunk = `data: ${JSON.stringify({ id: 'x', choices: [], usage: USAGE })}\n\n`;
const DONE = 'data: [DONE]\n\n';

describe('the adapter for OpenAI-compatible servers', () => {
    let server: Awaited<ReturnType<typeof startOpenAiServer>>;
    let engine: OpenAiCompatibleEngine;

    const open = (options: Partial<OpenAiCompatibleOptions> = {}) =>
        (engine = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl, ...options }));

    beforeEach(async () => {
        server = await startOpenAiServer();
        open();
    });

    afterEach(async () => {
        await engine.close();
        await server.stop();
    });

    describe('streaming', () => {
        const text = [delta('Grüß'), delta(' dich 🌴'), delta('.')].join('');

        it.each([[[1]], [[2, 3]], [[7, 1, 5]], [[4096]]])(
            'gives the same bytes cut into pieces of %j',
            async (sizes) => {
                server.behave(stream(text + usageChunk + DONE, sizes));
                const answer = await readAnswer(ask(engine, { model: 'm', stream: true }));
                expect(answer).toMatchObject({ status: 200, body: text + DONE, usage: COUNTED });
                expect(answer.headers['content-type']).toMatch('text/event-stream');
            },
        );

        it('asks for usage without touching anything else the client wrote', async () => {
            server.behave(stream(text + usageChunk + DONE));
            const body = '{"model":"m", "seed":12345678901234567890,"x_own":{"a":[1.0]},"stream":true}';
            await readAnswer(ask(engine, body));
            expect(server.seen[0]?.body).toBe(`{"stream_options":{"include_usage":true},${body.slice(1)}`);
        });

        it('adds to stream options the client gave', async () => {
            server.behave(stream(text + usageChunk + DONE));
            const answer = await readAnswer(ask(engine, { stream: true, stream_options: { other: 1 } }));
            expect(JSON.parse(server.seen[0]?.body ?? '')).toMatchObject({
                stream_options: { other: 1, include_usage: true },
            });
            expect(answer.body).toBe(text + DONE);
        });

        it('leaves the usage chunk to a client who asked for it', async () => {
            server.behave(stream(text + usageChunk + DONE));
            const answer = await readAnswer(ask(engine, { stream: true, stream_options: { include_usage: true } }));
            expect(answer.body).toBe(text + usageChunk + DONE);
        });

        it('meters every chunk where the engine counts as it goes, and hides that count', async () => {
            open({ continuousUsage: true });
            const counting = [1, 2, 3].map((completion_tokens) =>
                delta('a', { usage: { ...USAGE, completion_tokens } }),
            );
            server.behave(stream(counting.join('') + usageChunk + DONE, [counting[0]?.length ?? 0]));
            const answer = await readAnswer(ask(engine, { stream: true }));
            expect(JSON.parse(server.seen[0]?.body ?? '')).toMatchObject({
                stream_options: { include_usage: true, continuous_usage_stats: true },
            });
            const counts = answer.running.map((usage) => usage?.completionTokens ?? 0);
            expect(counts).toEqual([...counts].sort());
            expect(Math.min(...counts)).toBeGreaterThan(0);
            expect(answer.body).toBe(delta('a').repeat(3) + DONE);
        });

        it('does not mistake an answer that talks about usage for a count', async () => {
            const talk = delta('say "usage": {"prompt_tokens": 999}');
            server.behave(stream(talk + usageChunk + DONE));
            const answer = await readAnswer(ask(engine, { stream: true }));
            expect(answer).toMatchObject({ body: talk + DONE, usage: COUNTED });
        });
    });

    describe('whole answers', () => {
        it('passes the bytes on and reads cached and reasoning tokens', async () => {
            const usage = {
                ...USAGE,
                prompt_tokens_details: { cached_tokens: 4 },
                completion_tokens_details: { reasoning_tokens: 2 },
            };
            server.behave(json(200, { choices: [], usage }));
            const answer = await readAnswer(ask(engine, { model: 'm' }));
            expect(answer.usage).toEqual({ ...COUNTED, cachedPromptTokens: 4, reasoningTokens: 2 });
            expect(answer.body).toBe(JSON.stringify({ choices: [], usage }));
        });

        it('counts embeddings, which complete nothing', async () => {
            server.behave(json(200, { data: [], usage: { prompt_tokens: 5, total_tokens: 5 } }));
            const answer = await readAnswer(ask(engine, { input: 'x' }, { path: '/v1/embeddings' }));
            expect(answer.usage).toEqual({ ...COUNTED, promptTokens: 5, completionTokens: 0 });
        });

        it('sends the key of the node and nothing of the headers of the client', async () => {
            open({ apiKey: 'node-key', baseUrl: `${server.baseUrl}/v1/` });
            server.behave(json(200, { usage: USAGE }));
            await readAnswer(ask(engine, { model: 'm' }));
            expect(server.seen[0]?.path).toBe('/v1/chat/completions');
            expect(server.seen[0]?.headers.authorization).toBe('Bearer node-key');
        });
    });

    describe('an engine that does not say what it used', () => {
        it.each([
            ['a whole answer', {}, json(200, { choices: [] })],
            ['a negative count', {}, json(200, { usage: { ...USAGE, prompt_tokens: -1 } })],
            ['a fraction', {}, json(200, { usage: { ...USAGE, completion_tokens: 1.5 } })],
            [
                'more cached than there were',
                {},
                json(200, { usage: { ...USAGE, prompt_tokens_details: { cached_tokens: 8 } } }),
            ],
            ['a stream', { stream: true }, stream(delta('a') + DONE)],
        ])('cannot be charged for: %s', async (_, body, behaviour) => {
            server.behave(behaviour);
            await expect(readAnswer(ask(engine, body))).rejects.toMatchObject({ code: 'usage_missing', status: 502 });
        });
    });

    describe('an engine that refuses or breaks', () => {
        it("passes a refusal of the client's request through, free of charge", async () => {
            const error = { error: { message: 'too long', code: 'context_length_exceeded' } };
            server.behave(json(400, error));
            const answer = await readAnswer(ask(engine, { stream: true }));
            expect(answer).toMatchObject({ status: 400, body: JSON.stringify(error), usage: { promptTokens: 0 } });
        });

        it.each([
            [500, 'engine_failed'],
            [302, 'engine_failed'],
            [401, 'engine_unavailable'],
            [429, 'engine_overloaded'],
        ])('turns its status %i into %s, without its words', async (status, code) => {
            server.behave(json(status, { error: { message: 'internal detail' } }));
            const refused = expect(readAnswer(ask(engine, {}))).rejects;
            await refused.toMatchObject({ code, message: expect.not.stringContaining('detail') as string });
        });

        it.each([
            ['an error in mid-stream', delta('a') + 'data: {"error":{"message":"x"}}\n\n'],
            ['no end marker', delta('a') + usageChunk],
            ['something that is not JSON', delta('a') + 'data: {"usage" \n\n'],
        ])('fails on %s', async (_, text) => {
            server.behave(stream(text));
            await expect(readAnswer(ask(engine, { stream: true }))).rejects.toMatchObject({ code: 'engine_failed' });
        });

        it('fails when the connection breaks in mid-stream', async () => {
            server.behave((response) => {
                response.writeHead(200, { 'content-type': 'text/event-stream' });
                response.write(delta('a'), () => response.destroy());
            });
            await expect(readAnswer(ask(engine, { stream: true }))).rejects.toMatchObject({ code: 'engine_failed' });
        });

        it('fails when it streams an answer that was to be whole', async () => {
            server.behave(stream(delta('a') + usageChunk + DONE));
            await expect(readAnswer(ask(engine, {}))).rejects.toMatchObject({ code: 'engine_failed' });
        });

        it('does not wait for a silent one', async () => {
            open({ firstByteTimeoutMs: 100 });
            server.behave(() => undefined);
            await expect(readAnswer(ask(engine, {}))).rejects.toMatchObject({ code: 'engine_timeout', status: 504 });
        });

        it('does not wait for one that falls silent', async () => {
            open({ idleTimeoutMs: 100 });
            server.behave((response) => {
                response.writeHead(200, { 'content-type': 'text/event-stream' });
                response.write(delta('a'));
            });
            await expect(readAnswer(ask(engine, { stream: true }))).rejects.toMatchObject({ code: 'engine_timeout' });
        });

        it('names one that is not there', async () => {
            await server.stop();
            await expect(readAnswer(ask(engine, {}))).rejects.toMatchObject({
                code: 'engine_unavailable',
                status: 503,
            });
            expect(await engine.health(new AbortController().signal)).toMatchObject({ ok: false });
            server = await startOpenAiServer();
        });

        it('stops reading an answer without end', async () => {
            open({ maxAnswerBytes: 1_000 });
            server.behave(json(200, { usage: USAGE, filler: 'x'.repeat(2_000) }));
            await expect(readAnswer(ask(engine, {}))).rejects.toMatchObject({ code: 'engine_failed' });
        });
    });

    describe('cancelling', () => {
        beforeEach(() => {
            server.behave((response) => {
                response.writeHead(200, { 'content-type': 'text/event-stream' });
                response.write(delta('a'));
            });
        });

        const firstChunk = async (events: AsyncIterator<EngineEvent>) => {
            await events.next();
            await events.next();
            return Date.now();
        };

        it('closes the socket within a second of the abort', async () => {
            const controller = new AbortController();
            const events = ask(engine, { stream: true }, { signal: controller.signal })[Symbol.asyncIterator]();
            const startedMs = await firstChunk(events);
            controller.abort();
            await expect(events.next()).rejects.toMatchObject({ code: 'cancelled' });
            await server.seen[0]?.closed;
            expect(Date.now() - startedMs).toBeLessThan(1_000);
        });

        it('closes the socket when the reader leaves', async () => {
            const events = ask(engine, { stream: true })[Symbol.asyncIterator]();
            const startedMs = await firstChunk(events);
            await events.return?.();
            await server.seen[0]?.closed;
            expect(Date.now() - startedMs).toBeLessThan(1_000);
        });

        it('ends open answers when the engine is closed', async () => {
            const events = ask(engine, { stream: true })[Symbol.asyncIterator]();
            await firstChunk(events);
            const next = expect(events.next()).rejects.toMatchObject({ code: 'engine_unavailable' });
            await engine.close();
            await next;
        });
    });

    it('runs as many as it may, lets some wait and refuses the rest', async () => {
        open({ maxConcurrency: 1, maxWaiting: 1 });
        let finish = () => undefined as void;
        server.behave(async (response, request) => {
            if (server.seen.length === 1) await new Promise<void>((resolve) => (finish = resolve));
            await json(200, { usage: USAGE })(response, request);
        });
        const first = readAnswer(ask(engine, {}));
        while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        const controller = new AbortController();
        const left = readAnswer(ask(engine, {}, { signal: controller.signal }));
        await expect(readAnswer(ask(engine, {}))).rejects.toMatchObject({ code: 'engine_overloaded', status: 503 });
        controller.abort();
        await expect(left).rejects.toMatchObject({ code: 'cancelled' });
        const second = readAnswer(ask(engine, {}));
        expect(server.seen).toHaveLength(1);
        finish();
        expect((await Promise.all([first, second])).map((answer) => answer.status)).toEqual([200, 200]);
    });

    it.each([
        ['stream must be a boolean', { stream: 'true' }, {}],
        ['stream_options must be an object', { stream: true, stream_options: 'usage' }, {}],
        ['does not serve POST /v1/files', {}, { path: '/v1/files' }],
        ['must be a JSON object', [1], {}],
    ])('refuses a request it could not meter: %s', async (message, body, options) => {
        const refused = readAnswer(ask(engine, body, options));
        await expect(refused).rejects.toMatchObject({
            code: 'invalid_request',
            message: expect.stringContaining(message) as string,
        });
        expect(server.seen).toHaveLength(0);
    });

    it('keeps a malformed body out of its error', async () => {
        const error = await readAnswer(ask(engine, 'my secret prompt')).catch((caught: unknown) => caught as Error);
        expect(error).toMatchObject({ code: 'invalid_request', cause: undefined });
        expect(inspect(error)).not.toContain('secret');
    });

    describe('describing its models', () => {
        const signal = new AbortController().signal;

        it('reads the context length vLLM and SGLang give', async () => {
            server.behave(json(200, { data: [{ id: 'm', max_model_len: 8192 }] }));
            expect(await engine.describe(signal)).toEqual([
                { id: 'm', contextLength: 8192, capabilities: ['chat.completions', 'completions'] },
            ]);
            expect(await engine.health(signal)).toEqual({ ok: true, detail: 'serves m' });
        });

        it('takes the context length from its configuration, or says that it needs one', async () => {
            server.behave(json(200, { data: [{ id: 'm' }] }));
            await expect(engine.describe(signal)).rejects.toThrow('context length');
            open({ contextLength: 4096, capabilities: ['embeddings'] });
            expect(await engine.describe(signal)).toEqual([
                { id: 'm', contextLength: 4096, capabilities: ['embeddings'] },
            ]);
        });
    });
});
