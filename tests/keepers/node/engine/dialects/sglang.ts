import { type Asked, type DialectFixture, type Scripted, seconds, spelled } from './dialect-fixture';

const id = 'b2f6f4c0a1d94e5f8c7b6a5948372615';

/** `model_dump_json()` of the whole model: every field is there, null or not. */
function chunk(script: Scripted, index: number, delta: object, more: object = {}, usage: object | null = null) {
    const choice = { index, delta, logprobs: null, finish_reason: null, matched_stop: null, ...more };
    return spelled({
        id,
        object: 'chat.completion.chunk',
        created: seconds,
        model: script.model,
        choices: [choice],
        usage,
    });
}

const emptyDelta = { role: null, content: null, reasoning_content: null, tool_calls: null };

const logprobsOf = (token: string) => ({
    content: [{ token, bytes: [...Buffer.from(token)], logprob: -1e-7, top_logprobs: [] }],
});

/** Reasoning is counted beside the others, not among details; details are absent unless something was cached. */
const usageOf = (script: Scripted, completion: number, reasoning: number, cached: number) => ({
    prompt_tokens: script.prompt,
    total_tokens: script.prompt + completion,
    completion_tokens: completion,
    prompt_tokens_details: cached > 0 ? { cached_tokens: cached } : null,
    reasoning_tokens: reasoning,
});

const finalUsage = (script: Scripted) =>
    usageOf(script, script.completion * (script.choices ?? 1), script.reasoningTokens, script.cached);

function deltasOf(script: Scripted): [object, object][] {
    const { reasoning, toolCall } = script;
    const texts: [object, object][] = script.pieces.map((content) => [
        { ...emptyDelta, content },
        script.logprobs ? { logprobs: logprobsOf(content) } : {},
    ]);
    const calls: [object, object][] = (toolCall?.arguments ?? []).map((text, at) => {
        const named = at === 0 ? { id: 'call_8f3a', name: toolCall!.name } : { id: null, name: null };
        const call = { id: named.id, index: 0, type: 'function', function: { name: named.name, arguments: text } };
        return [{ ...emptyDelta, tool_calls: [call] }, {}];
    });
    const thought: [object, object][] =
        reasoning === undefined ? [] : [[{ ...emptyDelta, reasoning_content: reasoning }, {}]];
    return [...thought, ...texts, ...calls];
}

function events(script: Scripted, asked: Asked): string[] {
    const options = asked.stream_options;
    const usageAt = (count: number) => (options?.continuous_usage_stats ? usageOf(script, count, 0, 0) : null);
    const indexes = Array.from({ length: script.choices ?? 1 }, (_, index) => index);
    const deltas = deltasOf(script);
    const out = indexes.map((index) => chunk(script, index, { ...emptyDelta, role: 'assistant', content: '' }));
    deltas.forEach(([delta, more], at) => {
        const count = at + 1 === deltas.length ? script.completion : at + 1;
        for (const index of indexes) out.push(chunk(script, index, delta, more, usageAt(count)));
    });
    const finish_reason = script.toolCall ? 'tool_calls' : 'stop';
    for (const index of indexes) out.push(chunk(script, index, emptyDelta, { finish_reason, matched_stop: 151_645 }));
    if (options?.include_usage)
        out.push(
            spelled({
                id,
                object: 'chat.completion.chunk',
                created: seconds,
                model: script.model,
                choices: [],
                usage: finalUsage(script),
            }),
        );
    return [...out, '[DONE]'];
}

export const sglang: DialectFixture = {
    name: 'sglang',
    sources: [
        'sgl-project/sglang python/sglang/srt/entrypoints/openai/serving_chat.py 002897c23becbd522d88b8115a763a21765f978a',
        'sgl-project/sglang python/sglang/srt/entrypoints/openai/protocol.py 004c82e07d876f6e4a0ad6e15325706b0f478f1a',
        'sgl-project/sglang python/sglang/srt/entrypoints/openai/usage_processor.py 056c7ec2bdc0f1ddaf4d255a0076501a742c34bc',
        'sgl-project/sglang python/sglang/srt/entrypoints/openai/serving_base.py 012bcb5f987e8b1469b9dd4e471874ff0ab0444a',
    ],
    contextLength: 131_072,
    concurrency: 96,
    tells: { cached: true, reasoning: true },
    routes: {
        '/health': null,
        '/v1/models': {
            object: 'list',
            data: [
                {
                    id: 'm',
                    object: 'model',
                    created: seconds,
                    owned_by: 'sglang',
                    root: 'm',
                    parent: null,
                    max_model_len: 131_072,
                },
            ],
        },
        // Server arguments, what the scheduler made of them, and the state of each data-parallel worker.
        '/get_server_info': {
            model_path: 'm',
            max_running_requests: null,
            max_total_num_tokens: 1_048_576,
            internal_states: [
                { effective_max_running_requests_per_dp: 48 },
                { effective_max_running_requests_per_dp: 48 },
            ],
            version: '0.5.18',
        },
    },
    events,
    whole: (script) => ({
        id,
        object: 'chat.completion',
        created: seconds,
        model: script.model,
        choices: [
            {
                index: 0,
                message: {
                    role: 'assistant',
                    content: script.pieces.join(''),
                    reasoning_content: script.reasoning ?? null,
                    tool_calls: null,
                },
                logprobs: script.logprobs ? logprobsOf(script.pieces[0]!) : null,
                finish_reason: 'stop',
                matched_stop: 151_645,
            },
        ],
        usage: finalUsage(script),
        metadata: { weight_version: 'default' },
    }),
    refusal: {
        status: 400,
        body: {
            object: 'error',
            message: 'The input (200000 tokens) is longer than the context.',
            type: 'BadRequestError',
            param: null,
            code: 400,
        },
        message: 'The input (200000 tokens) is longer than the context.',
    },
    failure: spelled({
        error: { object: 'error', message: 'Out of memory', type: 'INTERNAL_SERVER_ERROR', param: null, code: 500 },
    }),
    cacheKey: (asked) => `salted ${String(asked.cache_salt)} ${String(asked.extra_key)}`,
    singleSlot: false,
    stopsBy: 'abort_request',
};
