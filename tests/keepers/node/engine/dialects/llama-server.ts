import { type Asked, type DialectFixture, type Scripted, seconds, spelled } from './dialect-fixture';

const id = 'chatcmpl-Vh3qPz8R1yKk2mXo7dTnB5aLwE9sCfGu';

/** What every object ends with, after its choices. */
const tail = (script: Scripted, object: string) => ({
    created: seconds,
    id,
    model: script.model,
    system_fingerprint: 'b7000-00efb3e1',
    object,
});

function chunk(script: Scripted, delta: object, finish_reason: string | null = null) {
    return spelled({ choices: [{ finish_reason, index: 0, delta }], ...tail(script, 'chat.completion.chunk') });
}

const usageOf = (script: Scripted) => ({
    completion_tokens: script.completion,
    prompt_tokens: script.prompt,
    total_tokens: script.completion + script.prompt,
});

const timings = { cache_n: 0, prompt_n: 21, prompt_ms: 10.5, predicted_n: 9, predicted_ms: 90.25 };

function deltasOf({ pieces, reasoning, toolCall }: Scripted): object[] {
    const calls = (toolCall?.arguments ?? []).map((text, at) => {
        const named = { index: 0, id: 'call-1', type: 'function', function: { name: toolCall!.name, arguments: text } };
        return { tool_calls: [at === 0 ? named : { index: 0, function: { arguments: text } }] };
    });
    const thought = reasoning === undefined ? [] : [{ reasoning_content: reasoning }];
    return [{ role: 'assistant', content: null }, ...thought, ...pieces.map((content) => ({ content })), ...calls];
}

/** Timings come with whatever is last. */
function events(script: Scripted, asked: Asked): string[] {
    const out = deltasOf(script).map((delta) => chunk(script, delta));
    out.push(chunk(script, {}, script.toolCall ? 'tool_calls' : 'stop'));
    if (asked.stream_options?.include_usage) {
        const counted = { choices: [], ...tail(script, 'chat.completion.chunk'), usage: usageOf(script), timings };
        out.push(spelled(counted));
    }
    return [...out, '[DONE]'];
}

export const llamaServer: DialectFixture = {
    name: 'llama-server',
    sources: [
        'ggml-org/llama.cpp tools/server/server-task.cpp 00efb3e184262872916bf136b3df63c1822a19bd',
        'ggml-org/llama.cpp tools/server/server-context.cpp fb4026604c67c682f552337ec9b91eced0abd35a',
    ],
    contextLength: 8_192,
    concurrency: 4,
    tells: { cached: false, reasoning: false },
    routes: {
        '/health': { status: 'ok' },
        '/v1/models': {
            object: 'list',
            data: [
                { id: 'm', object: 'model', created: seconds, owned_by: 'llamacpp', meta: { n_ctx_train: 131_072 } },
            ],
        },
        // The context of one slot; what the model was trained on may be more.
        '/props': { default_generation_settings: { n_ctx: 8_192 }, total_slots: 4, model_path: 'm.gguf' },
    },
    events,
    whole: (script) => ({
        choices: [
            {
                finish_reason: 'stop',
                index: 0,
                message: { role: 'assistant', content: script.pieces.join(''), reasoning_content: script.reasoning },
            },
        ],
        created: seconds,
        model: script.model,
        system_fingerprint: 'b7000-00efb3e1',
        object: 'chat.completion',
        usage: usageOf(script),
        id,
        timings,
    }),
    refusal: {
        status: 400,
        body: {
            error: {
                code: 400,
                message: 'the request exceeds the available context size',
                type: 'exceed_context_size_error',
                n_prompt_tokens: 9_000,
                n_ctx: 8_192,
            },
        },
        message: 'the request exceeds the available context size',
    },
    failure: spelled({ error: { code: 500, message: 'Compute error.', type: 'server_error' } }),
    cacheKey: (asked) => (asked.cache_prompt === false ? undefined : 'the slot'),
    singleSlot: true,
    stopsBy: 'disconnect',
};
