import { OpenAiCompatibleEngine, type TokenCounter } from '../../../../keepers/node/engine';
import { json, startOpenAiServer, stream } from './openai-server';
import { ask, readAnswer } from './read-answer';

/** A word is a token; a prompt with an image cannot be counted. */
const words: TokenCounter = {
    promptTokens: ({ body }) => (body.includes('image_url') ? undefined : 5),
    textTokens: (text) => text.split(' ').length,
    close: async () => undefined,
};

describe('an engine that does not count, and a tokenizer that does', () => {
    let server: Awaited<ReturnType<typeof startOpenAiServer>>;
    let engine: OpenAiCompatibleEngine;
    beforeEach(async () => {
        server = await startOpenAiServer();
        engine = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl, tokenizer: words });
    });
    afterEach(async () => {
        await engine.close();
        await server.stop();
    });

    const counted = (completionTokens: number) => ({
        promptTokens: 5,
        cachedPromptTokens: 0,
        completionTokens,
        reasoningTokens: 0,
    });
    const whole = async (answer: object, request: object = {}) => {
        server.behave(json(200, answer));
        return (await readAnswer(ask(engine, request))).usage;
    };
    const streamed = async (chunks: object[], end = 'data: [DONE]\n\n') => {
        const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + end;
        server.behave(stream(text));
        const answer = await readAnswer(ask(engine, { stream: true }));
        expect(answer.body).toBe(text);
        return answer.usage;
    };
    const said = (content: string) => ({ message: { role: 'assistant', content, tool_calls: [], reasoning: null } });
    const delta = (content: unknown, index = 0) => ({ choices: [{ index, delta: { content } }] });

    it('the text is counted, of chat and of plain completion, of every choice', async () => {
        expect(await whole({ choices: [{ index: 0, ...said('a b c') }] })).toEqual(counted(3));
        expect(await whole({ choices: [{ index: 0, text: 'a b' }] })).toEqual(counted(2));
        const two = [said('a'), said('b c')].map((choice, index) => ({ index, ...choice }));
        expect(await whole({ choices: two })).toEqual(counted(3));
        expect(await whole({ choices: [{ index: 0, ...said('') }] })).toEqual(counted(0));
    });

    it('a stream is counted as one text, however it is cut', async () => {
        expect(await streamed([delta(''), delta('a b'), delta('c d'), delta(null)])).toEqual(counted(3));
        expect(await streamed([delta('a', 0), delta('x y', 1), delta(' b', 0)])).toEqual(counted(4));
    });

    it('the engine’s own count goes first', async () => {
        const usage = { prompt_tokens: 70, completion_tokens: 30 };
        expect(await whole({ choices: [{ index: 0, ...said('a b c') }], usage })).toMatchObject({
            promptTokens: 70,
            completionTokens: 30,
        });
    });

    it.each<[string, object, object]>([
        ['a tool call', { message: { content: null, tool_calls: [{ id: 'x' }] } }, {}],
        ['reasoning', { message: { content: 'a', reasoning_content: 'hm' } }, {}],
        ['parts', { message: { content: [{ type: 'text', text: 'a' }] } }, {}],
        ['an image in the prompt', said('a'), { messages: [{ content: [{ type: 'image_url' }] }] }],
    ])('nothing is guessed: %s', async (_, choice, request) => {
        await expect(whole({ choices: [{ index: 0, ...choice }] }, request)).rejects.toMatchObject({
            code: 'usage_missing',
        });
    });

    it('a count that contradicts itself is no missing count', async () => {
        const usage = { prompt_tokens: -1 };
        await expect(whole({ choices: [{ index: 0, ...said('a') }], usage })).rejects.toMatchObject({
            code: 'usage_missing',
        });
        await expect(streamed([{ ...delta('a'), usage }])).rejects.toMatchObject({ code: 'usage_missing' });
    });

    it('an answer that breaks off is none', async () => {
        await expect(streamed([delta('a')], '')).rejects.toMatchObject({ code: 'engine_failed' });
    });
});
