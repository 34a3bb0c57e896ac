import { type Asked, type DialectFixture, type Scripted, seconds, spelled } from './dialect-fixture';

const id = 'chatcmpl-9d0c5b5a6f6c4a2f8d0f7c1e2b3a4d5e';

/** `model_dump_json(exclude_unset=True)`: unset fields are absent, set ones are there though null. */
function chunk(script: Scripted, index: number, delta: object, more: object = {}, usage?: object) {
    const { logprobs = null, ...rest } = more as { logprobs?: unknown };
    const choice = { index, delta, logprobs, finish_reason: null, ...rest };
    const base = { id, object: 'chat.completion.chunk', created: seconds, model: script.model, choices: [choice] };
    return spelled({ ...base, ...(usage && { usage }) });
}

const logprobsOf = (token: string) => ({
    content: [{ token, logprob: -0.0, bytes: [...Buffer.from(token)], top_logprobs: [] }],
});

/** With each chunk what its own choice took so far, the prompt whole, and no details. */
const running = (script: Scripted, completion: number) => ({
    prompt_tokens: script.prompt,
    total_tokens: script.prompt + completion,
    completion_tokens: completion,
});

const finalUsage = (script: Scripted) => {
    const completion = script.completion * (script.choices ?? 1);
    return {
        ...running(script, completion),
        prompt_tokens_details: { cached_tokens: script.cached },
        completion_tokens_details: { reasoning_tokens: script.reasoningTokens },
    };
};

function deltasOf(script: Scripted): [object, object][] {
    const { reasoning, toolCall } = script;
    const texts: [object, object][] = script.pieces.map((content) => [
        { content },
        script.logprobs ? { logprobs: logprobsOf(content) } : {},
    ]);
    const calls: [object, object][] = (toolCall?.arguments ?? []).map((text, at) => [
        {
            tool_calls: [
                at === 0
                    ? {
                          id: 'chatcmpl-tool-1',
                          type: 'function',
                          index: 0,
                          function: { name: toolCall!.name, arguments: text },
                      }
                    : { index: 0, function: { arguments: text } },
            ],
        },
        {},
    ]);
    return [...(reasoning === undefined ? [] : [[{ reasoning }, {}] as [object, object]]), ...texts, ...calls];
}

function events(script: Scripted, asked: Asked): string[] {
    const options = asked.stream_options;
    const usageAt = (count: number) => (options?.continuous_usage_stats ? running(script, count) : undefined);
    const indexes = Array.from({ length: script.choices ?? 1 }, (_, index) => index);
    const deltas = deltasOf(script);
    const out = indexes.map((index) => chunk(script, index, { role: 'assistant', content: '' }, {}, usageAt(0)));
    // Choices come in turn, token by token.
    deltas.forEach(([delta, more], at) => {
        const count = at + 1 === deltas.length ? script.completion : at + 1;
        for (const index of indexes) out.push(chunk(script, index, delta, more, usageAt(count)));
    });
    const finish_reason = script.toolCall ? 'tool_calls' : 'stop';
    for (const index of indexes)
        out.push(chunk(script, index, {}, { finish_reason, stop_reason: null }, usageAt(script.completion)));
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

export const vllm: DialectFixture = {
    name: 'vllm',
    sources: [
        'vllm-project/vllm vllm/entrypoints/openai/chat_completion/serving.py 006c49d485f9ca479bf4989cbb694d0ac02f44b5',
        'vllm-project/vllm vllm/entrypoints/openai/chat_completion/protocol.py 002032ee2b18e1f7bd924ec47b62504ba3866063',
        'vllm-project/vllm vllm/entrypoints/openai/engine/protocol.py 040a2cc2a6295ea9c313d86526ff90a103eacb3e',
        'vllm-project/vllm vllm/entrypoints/serve/instrumentator/server_info.py 09cb327f1183534adbdf9eee3e438688e75fbe2b',
    ],
    contextLength: 32_768,
    concurrency: 256,
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
                    owned_by: 'vllm',
                    root: 'm',
                    parent: null,
                    max_model_len: 32_768,
                    permission: [],
                },
            ],
        },
        '/server_info?config_format=json': { vllm_config: { scheduler_config: { max_num_seqs: 256 } }, vllm_env: {} },
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
                    refusal: null,
                    reasoning: script.reasoning ?? null,
                },
                logprobs: script.logprobs ? logprobsOf(script.pieces[0]!) : null,
                finish_reason: 'stop',
                stop_reason: null,
                token_ids: null,
            },
        ],
        service_tier: null,
        system_fingerprint: null,
        usage: finalUsage(script),
        prompt_logprobs: null,
        kv_transfer_params: null,
    }),
    refusal: {
        status: 400,
        body: {
            error: {
                message: "This model's maximum context length is 32768 tokens.",
                type: 'BadRequestError',
                param: 'input_tokens',
                code: 400,
            },
        },
        message: "This model's maximum context length is 32768 tokens.",
    },
    failure: spelled({
        error: { message: 'EngineCore encountered an issue.', type: 'InternalServerError', param: null, code: 500 },
    }),
    cacheKey: (asked) => `salted ${String(asked.cache_salt)}`,
    singleSlot: false,
    stopsBy: 'disconnect',
};
