import { type EngineEvent, OpenAiCompatibleEngine, type TokenCounter } from '../../../../keepers/node/engine';
import type { DialectName } from '../../../../keepers/node/engine/dialect';
import { startOpenAiServer } from './openai-server';
import { ask } from './read-answer';

const words: TokenCounter = {
    promptTokens: () => 5,
    textTokens: (text) => text.split(' ').length,
    close: async () => undefined,
};

describe('a stream that breaks off before its engine has counted', () => {
    let server: Awaited<ReturnType<typeof startOpenAiServer>>;
    let engine: OpenAiCompatibleEngine;
    beforeEach(async () => void (server = await startOpenAiServer()));
    afterEach(async () => {
        await engine.close();
        await server.stop();
    });

    /** The last count of an answer whose client leaves when it has read this. */
    async function countOf(
        deltas: object[],
        options: { dialect?: DialectName; tokenizer?: TokenCounter; more?: string } = {},
    ) {
        const { dialect = 'llama-server', tokenizer, more = '' } = options;
        engine = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl, dialect, tokenizer });
        const text = deltas.map((delta) => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`).join('');
        server.behave((response, { path }) => {
            if (path !== '/v1/chat/completions') return void response.end('{}');
            response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text + more);
        });
        const leaving = new AbortController();
        const events: EngineEvent[] = [];
        const read = async () => {
            for await (const event of ask(engine, { stream: true }, { signal: leaving.signal })) {
                events.push(event);
                if (event.type === 'chunk') setTimeout(() => leaving.abort(), 10);
            }
        };
        await expect(read()).rejects.toMatchObject({ code: more.includes('error') ? 'engine_failed' : 'cancelled' });
        const last = events.at(-1)!;
        return last.type === 'chunk' ? last.usage : undefined;
    }
    const counted = (completionTokens: number, promptTokens = 1) => ({
        ...{ promptTokens, completionTokens, cachedPromptTokens: 0, reasoningTokens: 0 },
    });
    const opening = { role: 'assistant', content: null };
    const [a, b] = [{ content: 'a' }, { content: 'b' }];

    it.each<DialectName>(['llama-server', 'ollama'])('has used a token for each event, of %s', async (dialect) => {
        expect(await countOf([opening, a, b, { content: '' }, {}], { dialect })).toEqual(counted(2));
    });

    it('never more than it has: one token may end a thought and begin a word or a call', async () => {
        const thought = { reasoning_content: 'hm' };
        const begun = { tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{' } }] };
        const goesOn = { tool_calls: [{ index: 0, function: { arguments: '}' } }] };
        expect(await countOf([thought, thought, a, b, begun, goesOn, goesOn])).toEqual(counted(4));
    });

    it('with a tokenizer its whole prompt is known', async () => {
        expect(await countOf([opening, a, b], { tokenizer: words })).toEqual(counted(2, 5));
    });

    it('of a server whose events may hold less than a token counts what the tokenizer makes of the text', async () => {
        const deltas = [{ content: 'o' }, { content: 'ne' }, { content: ' two' }];
        expect(await countOf(deltas, { dialect: 'plain', tokenizer: words })).toEqual(counted(2, 5));
    });

    it('nothing is guessed without one', async () => {
        expect(await countOf([a, b], { dialect: 'plain' })).toBeUndefined();
    });

    it('what came with the failure, and so was not passed on, is not counted', async () => {
        expect(await countOf([a, b], { more: 'data: {"error":{"message":"broken"}}\n\n' })).toBeUndefined();
    });

    it('the engine’s own count stays', async () => {
        const more = 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1}}\n\n';
        expect(await countOf([a, b], { more })).toEqual(counted(1, 7));
    });
});
