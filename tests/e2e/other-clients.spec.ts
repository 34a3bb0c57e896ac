import { createOpenAI } from '@ai-sdk/openai';
import { HumanMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { json } from '../keepers/node/engine/openai-server';
import { chatAnswer, says, weatherCall } from './scripted-answers';
import { ScriptedUpstreamNetwork, scriptedModel as model } from './scripted-upstream';

const net = new ScriptedUpstreamNetwork();
const prompt = 'Is it raining in Basel?';
const city = z.object({ city: z.string() });
const callsWeather = chatAnswer({ message: { tool_calls: [weatherCall] }, finishReason: 'tool_calls' });

/** Calls a function first, and answers once it has the result. */
const useTheTool = () =>
    net.upstream.behave((response, request) => {
        const { messages } = JSON.parse(request.body) as { messages: { role: string; content: unknown }[] };
        const result = messages.find(({ role }) => role === 'tool');
        return (result === undefined ? callsWeather : says(`It is: ${JSON.stringify(result.content)}`))(
            response,
            request,
        );
    });

const vectors = () =>
    net.upstream.behave((response, { body }) => {
        const { input, encoding_format: format } = JSON.parse(body) as { input: string[]; encoding_format?: string };
        const spell = (floats: number[]) =>
            format === 'base64' ? Buffer.from(Float32Array.from(floats).buffer).toString('base64') : floats;
        const data = input.map((_text, index) => ({ object: 'embedding', index, embedding: spell([index, 0.5]) }));
        void json(200, { object: 'list', model, data, usage: { prompt_tokens: 3, total_tokens: 3 } })(
            response,
            {} as never,
        );
    });

describe('the Vercel AI SDK', () => {
    const openai = () => createOpenAI({ baseURL: `${net.url}/v1`, apiKey: 'any' });
    const tools = { weather: tool({ inputSchema: city, execute: async () => ({ sky: 'rain' }) }) };
    /** Responses are not kept, so items must be sent again rather than referred to. */
    const providerOptions = { openai: { store: false } };

    test.each([
        ['responses', () => openai()(model)],
        ['chat completions', () => openai().chat(model)],
    ])('generates, streams and uses tools over %s', async (_what, languageModel) => {
        net.upstream.behave(says('It is raining.'));
        const generated = await generateText({ model: languageModel(), prompt, providerOptions });
        expect([generated.text, generated.finishReason]).toEqual(['It is raining.', 'stop']);
        expect(generated.usage).toMatchObject({
            inputTokens: 12,
            outputTokens: 5,
            totalTokens: 17,
            cachedInputTokens: 4,
        });
        const streamed = streamText({ model: languageModel(), prompt, providerOptions });
        let text = '';
        for await (const piece of streamed.textStream) text += piece;
        expect(text).toBe('It is raining.');
        expect((await streamed.usage).totalTokens).toBe(17);
        useTheTool();
        const asked = { model: languageModel(), prompt, tools, stopWhen: stepCountIs(3), providerOptions };
        const agent = await generateText(asked);
        expect(agent.steps[0]!.toolCalls[0]).toMatchObject({ toolName: 'weather', input: { city: 'Basel' } });
        expect(agent.text).toContain('rain');
        const agentStream = streamText(asked);
        let said = '';
        for await (const piece of agentStream.textStream) said += piece;
        expect(said).toBe(agent.text);
    });

    test('generates objects by a schema, and embeds', async () => {
        net.upstream.behave(says('{"city":"Basel"}'));
        for (const languageModel of [openai()(model), openai().chat(model)])
            expect((await generateObject({ model: languageModel, schema: city, prompt })).object).toEqual({
                city: 'Basel',
            });
        expect(net.lastSeen()['response_format']).toMatchObject({ type: 'json_schema' });
        vectors();
        const { embeddings } = await embedMany({ model: openai().textEmbeddingModel(model), values: ['a', 'b'] });
        expect(embeddings).toEqual([
            [0, 0.5],
            [1, 0.5],
        ]);
    });

    test('raises on an error with its status and message', async () => {
        const act = generateText({ model: openai()('gpt-4o'), prompt, maxRetries: 0 });
        await expect(act).rejects.toMatchObject({ statusCode: 404 });
    });
});

describe('LangChain', () => {
    const configuration = () => ({ baseURL: `${net.url}/v1` });
    const chat = (useResponsesApi: boolean) =>
        new ChatOpenAI({ model, apiKey: 'any', maxRetries: 0, useResponsesApi, configuration: configuration() });
    const weather = langchainTool(async () => 'rain', { name: 'weather', description: 'now', schema: city });

    test.each([
        ['responses', true],
        ['chat completions', false],
    ])('invokes, streams and uses tools over %s', async (_what, useResponsesApi) => {
        net.upstream.behave(says('It is raining.'));
        const answer = await chat(useResponsesApi).invoke(prompt);
        expect(answer.text).toBe('It is raining.');
        expect(answer.usage_metadata).toMatchObject({ input_tokens: 12, output_tokens: 5, total_tokens: 17 });
        let text = '';
        for await (const piece of await chat(useResponsesApi).stream(prompt)) text += piece.text;
        expect(text).toBe('It is raining.');
        useTheTool();
        const bound = chat(useResponsesApi).bindTools([weather]);
        const history = [new HumanMessage(prompt)];
        const called = await bound.invoke(history);
        expect(called.tool_calls![0]).toMatchObject({ name: 'weather', args: { city: 'Basel' } });
        const result = await weather.invoke(called.tool_calls![0]!);
        expect((await bound.invoke([...history, called, result])).text).toContain('rain');
    });

    test('answers by a schema, and embeds', async () => {
        net.upstream.behave(says('{"city":"Basel"}'));
        expect(await chat(false).withStructuredOutput(city).invoke(prompt)).toEqual({ city: 'Basel' });
        vectors();
        const embedder = new OpenAIEmbeddings({ model, apiKey: 'any', maxRetries: 0, configuration: configuration() });
        expect(await embedder.embedDocuments(['a', 'b'])).toEqual([
            [0, 0.5],
            [1, 0.5],
        ]);
    });
});
