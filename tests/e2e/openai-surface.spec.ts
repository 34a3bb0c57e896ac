import OpenAI, { APIError } from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { json } from '../keepers/node/engine/openai-server';
import { ConformanceTable } from './conformance-table';
import { chatAnswer, says, usage, weatherCall } from './scripted-answers';
import { ScriptedUpstreamNetwork, scriptedModel as model } from './scripted-upstream';

const net = new ScriptedUpstreamNetwork();
const table = new ConformanceTable();
const messages = [{ role: 'user' as const, content: 'Is it raining in Basel?' }];
const chat = '/v1/chat/completions';
const responses = '/v1/responses';

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [{ type: 'function' as const, function: { name: 'weather', description: 'now', parameters } }];
const responseTools = [{ type: 'function' as const, name: 'weather', parameters, strict: false }];
const weatherShape = z.object({ city: z.string(), raining: z.boolean() });

const askChat = (more: object) =>
    net.client().chat.completions.create({ model, messages, ...more } as OpenAI.ChatCompletionCreateParamsNonStreaming);
const askResponse = (more: object) =>
    net.client().responses.create({ model, input: 'hi', ...more } as OpenAI.Responses.ResponseCreateParamsNonStreaming);

async function refusal(act: Promise<unknown>): Promise<APIError> {
    const error: unknown = await act.then(
        () => undefined,
        (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(APIError);
    return error as APIError;
}

/** A 4xx of this gateway's, before anything was sealed or paid. */
async function expectRefused(act: Promise<unknown>, param: string, code = 'unsupported_parameter'): Promise<void> {
    const seen = net.upstream.seen.length;
    const error = await refusal(act);
    expect({ status: error.status, code: error.code, param: error.param }).toEqual({ status: 400, code, param });
    expect(net.upstream.seen).toHaveLength(seen);
}

describe('chat completions', () => {
    table.shows('works', chat, 'model, messages', 'answers a chat, with usage, node, cost and receipt', async () => {
        net.upstream.behave(says('It is.'));
        const { data, response } = await net.client().chat.completions.create({ model, messages }).withResponse();
        expect(data.choices[0]!.message.content).toBe('It is.');
        expect(data.usage).toEqual(usage);
        const receipt = response.headers.get('x-cocoon-receipt')!;
        const kept = net.ledger.request(Buffer.from(receipt, 'hex'))!;
        expect(kept.nodeKey.toString('hex')).toBe(response.headers.get('x-cocoon-node'));
        expect(kept.final!.receipt.costNano.toString()).toBe(response.headers.get('x-cocoon-cost-nanoton'));
    });

    table.shows(
        'works',
        chat,
        'stream, stream_options.include_usage',
        'streams, with usage only where asked',
        async () => {
            net.upstream.behave(says('It is raining.'));
            for (const wanted of [true, false]) {
                const stream = await net.client().chat.completions.create({
                    model,
                    messages,
                    stream: true,
                    ...(wanted && { stream_options: { include_usage: true } }),
                });
                const chunks: OpenAI.ChatCompletionChunk[] = [];
                for await (const chunk of stream) chunks.push(chunk);
                expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('It is raining.');
                expect(chunks.at(-1)!.usage ?? null).toEqual(wanted ? usage : null);
            }
        },
    );

    const passed: [fields: string, sent: Record<string, unknown>][] = [
        ['temperature, top_p', { temperature: 0.3, top_p: 0.5 }],
        ['seed, stop', { seed: 7, stop: ['.', 'END'] }],
        ['frequency_penalty, presence_penalty', { frequency_penalty: 0.1, presence_penalty: -0.2 }],
        ['logit_bias', { logit_bias: { '50256': -100 } }],
        ['max_tokens, max_completion_tokens', { max_tokens: 9, max_completion_tokens: 11 }],
        ['parallel_tool_calls, reasoning_effort', { parallel_tool_calls: false, reasoning_effort: 'low' }],
        ['user, metadata, prompt_cache_key', { user: 'u1', metadata: { a: 'b' }, prompt_cache_key: 'k' }],
        ['fields that OpenAI has not', { top_k: 40, min_p: 0.1, chat_template_kwargs: { enable_thinking: false } }],
    ];
    for (const [fields, sent] of passed)
        table.shows('engine-dependent', chat, fields, 'reaches the engine untouched', async () => {
            net.upstream.behave(says('Yes.'));
            await askChat(sent);
            expect(net.lastSeen()).toMatchObject({ model, messages, ...sent });
        });

    table.shows('engine-dependent', chat, 'n', 'brings every choice, and reserves for all of them', async () => {
        net.upstream.behave(chatAnswer({ message: { content: 'Yes.' } }, { message: { content: 'No.' } }));
        const { data, response } = await net
            .client()
            .chat.completions.create({ model, messages, n: 2, max_tokens: 50 })
            .withResponse();
        expect(data.choices.map(({ message }) => message.content)).toEqual(['Yes.', 'No.']);
        const { worstCaseNano } = net.ledger.request(Buffer.from(response.headers.get('x-cocoon-receipt')!, 'hex'))!;
        const one = await net.client().chat.completions.create({ model, messages, max_tokens: 50 }).withResponse();
        const single = net.ledger.request(Buffer.from(one.response.headers.get('x-cocoon-receipt')!, 'hex'))!;
        expect(worstCaseNano - single.worstCaseNano).toBe((1_600_000n * 50n) / 1_000_000n);
    });

    table.shows('engine-dependent', chat, 'logprobs, top_logprobs', 'brings log probabilities', async () => {
        const content = [
            { token: 'Yes', logprob: -0.1, bytes: [89], top_logprobs: [{ token: 'No', logprob: -2, bytes: null }] },
        ];
        net.upstream.behave(says('Yes', { logprobs: { content, refusal: null } }));
        const answer = await askChat({ logprobs: true, top_logprobs: 1 });
        expect(answer.choices[0]!.logprobs!.content).toEqual(content);
        expect(net.lastSeen()).toMatchObject({ logprobs: true, top_logprobs: 1 });
    });

    table.shows(
        'engine-dependent',
        chat,
        'tools, tool_choice, tool messages',
        'calls a function and takes its result',
        async () => {
            net.upstream.behave(chatAnswer({ message: { tool_calls: [weatherCall] }, finishReason: 'tool_calls' }));
            const choice = { type: 'function', function: { name: 'weather' } };
            const asked = await askChat({ tools, tool_choice: choice });
            expect(asked.choices[0]!.message.tool_calls).toEqual([weatherCall]);
            expect(net.lastSeen()).toMatchObject({ tools, tool_choice: choice });
            net.upstream.behave(says('It is.'));
            const result = { role: 'tool', tool_call_id: 'call_1', content: 'rain' };
            const history = [...messages, { role: 'assistant', content: null, tool_calls: [weatherCall] }, result];
            await askChat({ tools, messages: history });
            expect(net.lastSeen()['messages']).toEqual(history);
            const stream = net.client().chat.completions.stream({ model, messages, tools });
            net.upstream.behave(chatAnswer({ message: { tool_calls: [weatherCall] }, finishReason: 'tool_calls' }));
            const streamed = (await stream.finalChatCompletion()).choices[0]!.message;
            expect(streamed.tool_calls![0]).toMatchObject({
                function: { name: 'weather', arguments: '{"city":"Basel"}' },
            });
        },
    );

    table.shows(
        'engine-dependent',
        chat,
        'response_format',
        'answers by a JSON schema that the client parses',
        async () => {
            net.upstream.behave(says('{"city":"Basel","raining":true}'));
            const format = zodResponseFormat(weatherShape, 'weather');
            const parsed = await net.client().chat.completions.parse({ model, messages, response_format: format });
            expect(parsed.choices[0]!.message.parsed).toEqual({ city: 'Basel', raining: true });
            expect(net.lastSeen()['response_format']).toEqual(JSON.parse(JSON.stringify(format)));
        },
    );

    table.shows('engine-dependent', chat, 'image, audio and file parts', 'reach the engine untouched', async () => {
        net.upstream.behave(says('A cat.'));
        const content = [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' } },
            { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } },
        ];
        await askChat({ messages: [{ role: 'user', content }] });
        expect(net.lastSeen()['messages']).toEqual([{ role: 'user', content }]);
    });

    const refused: [fields: string, sent: object, param: string][] = [
        ['n beyond 128', { n: 129 }, 'n'],
        ['max_tokens of zero', { max_tokens: 0 }, 'max_tokens'],
        ['stream that is no boolean', { stream: 'yes' }, 'stream'],
    ];
    for (const [field, sent, param] of refused)
        table.shows('refused', chat, field, 'is a 400 that names the field', () =>
            expectRefused(askChat(sent), param, 'invalid_request'),
        );

    table.shows('refused', chat, 'a model that nobody serves', 'is a 404 that names the field', async () => {
        expect(await refusal(askChat({ model: 'gpt-4o' }))).toMatchObject({
            status: 404,
            code: 'model_not_found',
            param: 'model',
        });
    });

    table.shows(
        'refused',
        chat,
        'what the engine lacks',
        'is the engine’s own 4xx, with its field, and costs nothing',
        async () => {
            const error = {
                message: 'tools need --enable-auto-tool-choice',
                type: 'BadRequestError',
                param: 'tools',
                code: 'bad',
            };
            net.upstream.behave(json(400, { error }));
            for (const stream of [false, true]) {
                const answered = await refusal(askChat({ tools, stream }));
                expect(answered).toMatchObject({ status: 400, param: 'tools', code: 'bad' });
                expect(answered.message).toContain('auto-tool-choice');
            }
            const [last] = net.ledger.list({ limit: 1 });
            expect([last!.state, last!.final!.receipt.costNano]).toEqual(['final', 0n]);
        },
    );
});

describe('completions, embeddings, models', () => {
    table.shows(
        'engine-dependent',
        '/v1/completions',
        'prompt, echo, suffix, best_of, logprobs',
        'reach the engine untouched',
        async () => {
            net.upstream.behave(
                json(200, {
                    id: 'c',
                    object: 'text_completion',
                    created: 1,
                    model,
                    choices: [{ index: 0, text: ' yes', logprobs: null, finish_reason: 'stop' }],
                    usage,
                }),
            );
            const sent = { prompt: ['a', 'b'], echo: true, suffix: 'z', best_of: 2, logprobs: 1, max_tokens: 4 };
            const answer = await net.client().completions.create({ model, ...sent });
            expect(answer.choices[0]!.text).toBe(' yes');
            expect(net.lastSeen()).toMatchObject(sent);
        },
    );

    table.shows(
        'engine-dependent',
        '/v1/embeddings',
        'input, dimensions, encoding_format',
        'brings vectors, in floats or base64',
        async () => {
            const floats = [0.5, -0.25];
            net.upstream.behave((response, { body }) => {
                const base64 = (JSON.parse(body) as { encoding_format?: string }).encoding_format === 'base64';
                const embedding = base64 ? Buffer.from(Float32Array.from(floats).buffer).toString('base64') : floats;
                const data = [{ object: 'embedding', index: 0, embedding }];
                void json(200, { object: 'list', model, data, usage: { prompt_tokens: 3, total_tokens: 3 } })(
                    response,
                    {} as never,
                );
            });
            for (const encoding of [undefined, 'float'] as const) {
                const answer = await net
                    .client()
                    .embeddings.create({ model, input: ['x'], dimensions: 2, encoding_format: encoding });
                expect(answer.data[0]!.embedding).toEqual(floats);
                expect(net.lastSeen()).toMatchObject({ input: ['x'], dimensions: 2 });
            }
        },
    );

    table.shows('works', '/v1/models', 'list, retrieve', 'names what trusted nodes serve', async () => {
        const { data } = await net.client().models.list();
        expect(data.map(({ id }) => id)).toEqual([model]);
        expect((await net.client().models.retrieve(model)).id).toBe(model);
        expect(await refusal(net.client().models.retrieve('other/model'))).toMatchObject({
            status: 404,
            code: 'model_not_found',
        });
    });
});

describe('responses', () => {
    table.shows('works', responses, 'model, input, instructions', 'answers a text, with usage', async () => {
        net.upstream.behave(says('It is.'));
        const { data, response } = await net
            .client()
            .responses.create({ model, input: 'Is it raining?', instructions: 'Be brief.', metadata: { a: 'b' } })
            .withResponse();
        expect(data.output_text).toBe('It is.');
        expect(data).toMatchObject({ object: 'response', status: 'completed', store: false, metadata: { a: 'b' } });
        expect(data.id).toBe(`resp_${response.headers.get('x-cocoon-receipt')}`);
        expect(data.usage).toEqual({
            input_tokens: 12,
            input_tokens_details: { cached_tokens: 4 },
            output_tokens: 5,
            output_tokens_details: { reasoning_tokens: 2 },
            total_tokens: 17,
        });
        expect(net.lastSeen()).toEqual({
            model,
            messages: [
                { role: 'system', content: 'Be brief.' },
                { role: 'user', content: 'Is it raining?' },
            ],
        });
    });

    table.shows('works', responses, 'stream', 'streams in events that make up the whole answer', async () => {
        const scripted = chatAnswer({ message: { reasoning_content: 'Let me see', content: 'It is raining.' } });
        net.upstream.behave(scripted);
        const whole = await askResponse({});
        const types: string[] = [];
        const stream = net.client().responses.stream({ model, input: 'hi' });
        let next = 0;
        for await (const event of stream) {
            expect(event.sequence_number).toBe(next++);
            if (types.at(-1) !== event.type) types.push(event.type);
        }
        const part = (kind: string) => [
            'response.content_part.added',
            `response.${kind}.delta`,
            `response.${kind}.done`,
            'response.content_part.done',
        ];
        const item = (kind: string) => ['response.output_item.added', ...part(kind), 'response.output_item.done'];
        const frame = ['response.created', 'response.in_progress'];
        expect(types).toEqual([...frame, ...item('reasoning_text'), ...item('output_text'), 'response.completed']);
        const final = await stream.finalResponse();
        expect(final.output_text).toBe('It is raining.');
        const shape = ({ output, usage: used, status }: typeof final) => ({
            used,
            status,
            output: output.map((entry) => ({ ...entry, id: '', parsed: undefined })),
        });
        expect(JSON.stringify(shape(final)).replaceAll(',"parsed":null', '')).toBe(
            JSON.stringify(shape(whole as never)),
        );
    });

    table.shows(
        'engine-dependent',
        responses,
        'tools, tool_choice, function_call, function_call_output',
        'calls a function and takes its result',
        async () => {
            net.upstream.behave(
                chatAnswer({
                    message: { content: 'Let me look.', tool_calls: [weatherCall] },
                    finishReason: 'tool_calls',
                }),
            );
            const asked = { model, input: messages, tools: responseTools, tool_choice: 'required' as const };
            const { output } = await net.client().responses.create(asked);
            const call = { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Basel"}' };
            expect(output[1]).toMatchObject({ ...call, status: 'completed' });
            expect(net.lastSeen()).toMatchObject({
                tools: [{ type: 'function', function: { name: 'weather', parameters, strict: false } }],
                tool_choice: 'required',
            });
            const events: string[] = [];
            const stream = net.client().responses.stream(asked);
            stream.on('event', ({ type }) => events.push(type));
            expect((await stream.finalResponse()).output[1]).toMatchObject(call);
            expect(events).toContain('response.function_call_arguments.delta');
            expect(events).toContain('response.function_call_arguments.done');
            net.upstream.behave(says('It is.'));
            const result = { type: 'function_call_output' as const, call_id: 'call_1', output: 'rain' };
            await net.client().responses.create({ ...asked, input: [...messages, ...output, result] as never });
            expect(net.lastSeen()['messages']).toEqual([
                ...messages,
                { role: 'assistant', content: 'Let me look.', tool_calls: [weatherCall] },
                { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
            ]);
        },
    );

    table.shows(
        'engine-dependent',
        responses,
        'text.format',
        'answers by a JSON schema that the client parses',
        async () => {
            net.upstream.behave(says('{"city":"Basel","raining":true}'));
            const text = { format: zodTextFormat(weatherShape, 'weather') };
            const parsed = await net.client().responses.parse({ model, input: 'hi', text });
            expect(parsed.output_parsed).toEqual({ city: 'Basel', raining: true });
            expect(net.lastSeen()['response_format']).toMatchObject({
                type: 'json_schema',
                json_schema: { name: 'weather', strict: true, schema: text.format.schema },
            });
        },
    );

    table.shows(
        'engine-dependent',
        responses,
        'input_image, input_file, input_audio',
        'reach the engine as a chat spells them',
        async () => {
            net.upstream.behave(says('A cat.'));
            const url = 'data:image/png;base64,iVBORw0KGgo=';
            const content = [
                { type: 'input_text', text: 'What is it?' },
                { type: 'input_image', image_url: url, detail: 'low' },
                { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' },
                { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
            ];
            await askResponse({ input: [{ role: 'user', content }] });
            expect((net.lastSeen()['messages'] as { content: unknown }[])[0]!.content).toEqual([
                { type: 'text', text: 'What is it?' },
                { type: 'image_url', image_url: { url, detail: 'low' } },
                { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } },
                { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
            ]);
        },
    );

    table.shows(
        'engine-dependent',
        responses,
        'reasoning.effort, max_output_tokens, top_logprobs, text.verbosity',
        'reach the engine as a chat spells them',
        async () => {
            const content = [{ token: 'Yes', logprob: -0.1, bytes: [89], top_logprobs: [] }];
            net.upstream.behave(says('Yes', { finishReason: 'length', logprobs: { content } }));
            const answer = await askResponse({
                max_output_tokens: 16,
                reasoning: { effort: 'low', summary: 'auto' },
                text: { verbosity: 'low' },
                include: ['message.output_text.logprobs', 'reasoning.encrypted_content'],
                top_logprobs: 2,
            });
            expect(net.lastSeen()).toMatchObject({
                max_tokens: 16,
                reasoning_effort: 'low',
                verbosity: 'low',
                logprobs: true,
                top_logprobs: 2,
            });
            expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
            expect(answer.output[0]).toMatchObject({ status: 'incomplete', content: [{ logprobs: content }] });
        },
    );

    table.shows(
        'engine-dependent',
        responses,
        'temperature, top_p, parallel_tool_calls, user, fields that OpenAI has not',
        'reach the engine untouched',
        async () => {
            net.upstream.behave(says('Yes.'));
            const sent = { temperature: 0.2, top_p: 0.9, parallel_tool_calls: false, user: 'u', seed: 4, top_k: 3 };
            await askResponse(sent);
            expect(net.lastSeen()).toMatchObject(sent);
        },
    );

    const refused: [field: string, sent: object, param: string][] = [
        ['previous_response_id', { previous_response_id: 'resp_1' }, 'previous_response_id'],
        ['conversation', { conversation: 'conv_1' }, 'conversation'],
        ['store: true', { store: true }, 'store'],
        ['background: true', { background: true }, 'background'],
        ['prompt', { prompt: { id: 'p' } }, 'prompt'],
        ['truncation: auto', { truncation: 'auto' }, 'truncation'],
        ['built-in tools', { tools: [{ type: 'web_search' }] }, 'tools.0.type'],
        [
            'tool_choice of built-in tools',
            { tools: responseTools, tool_choice: { type: 'file_search' } },
            'tool_choice.type',
        ],
        ['max_tool_calls', { max_tool_calls: 2 }, 'max_tool_calls'],
        ['include of what is not made', { include: ['file_search_call.results'] }, 'include'],
        ['service_tier beyond default', { service_tier: 'flex' }, 'service_tier'],
        ['reasoning.summary beyond auto', { reasoning: { summary: 'detailed' } }, 'reasoning.summary'],
        ['item_reference', { input: [{ type: 'item_reference', id: 'msg_1' }] }, 'input.0'],
        ['items of built-in tools', { input: [{ type: 'web_search_call', id: 'w' }] }, 'input.0.type'],
        [
            'file_id',
            { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] },
            'input.0.content.0.file_id',
        ],
    ];
    for (const [field, sent, param] of refused)
        table.shows('refused', responses, field, 'is a 400 that names the field', () =>
            expectRefused(askResponse(sent), param),
        );

    table.shows('refused', responses, 'input that is none', 'is a 400 that names the field', async () => {
        await expectRefused(askResponse({ input: 7 }), 'input', 'invalid_request');
        await expectRefused(askResponse({ input: [] }), 'input', 'invalid_request');
        await expectRefused(
            askResponse({ input: [{ role: 'robot', content: 'x' }] }),
            'input.0.role',
            'invalid_request',
        );
        await expectRefused(
            askResponse({ input: [{ type: 'function_call', call_id: 'c' }] }),
            'input.0.name',
            'invalid_request',
        );
    });

    table.shows('refused', `${responses}/{id}`, 'retrieve, delete, cancel', 'is a 404 that says why', async () => {
        const { responses: kept } = net.client();
        for (const act of [kept.retrieve('resp_1'), kept.delete('resp_1'), kept.cancel('resp_1')]) {
            const error = await refusal(act);
            expect([error.status, error.code]).toEqual([404, 'not_found']);
            expect(error.message).toContain('not kept');
        }
    });
});

table.isCommitted();
