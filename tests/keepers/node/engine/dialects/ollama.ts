import { type Asked, type DialectFixture, type Scripted, seconds, spelled } from './dialect-fixture';

const id = 'chatcmpl-417';

/** Go's structs: fields in their order, those with `omitempty` absent; each delta names the role and has content. */
function chunk(script: Scripted, delta: object, finish_reason: string | null = null) {
    const message = { role: 'assistant', content: '', ...delta };
    const base = { id, object: 'chat.completion.chunk', created: seconds, model: script.model };
    return spelled({
        ...base,
        system_fingerprint: 'fp_ollama',
        choices: [{ index: 0, delta: message, finish_reason }],
    });
}

const usageOf = (script: Scripted) => ({
    prompt_tokens: script.prompt,
    completion_tokens: script.completion,
    total_tokens: script.prompt + script.completion,
});

/** A tool call comes whole. */
function deltasOf({ pieces, reasoning, toolCall }: Scripted): object[] {
    const call = toolCall && {
        id: 'call_k2m9x1',
        index: 0,
        type: 'function',
        function: { name: toolCall.name, arguments: toolCall.arguments.join('') },
    };
    return [
        ...(reasoning === undefined ? [] : [{ reasoning }]),
        ...pieces.map((content) => ({ content })),
        ...(call ? [{ tool_calls: [call] }] : []),
    ];
}

function events(script: Scripted, asked: Asked): string[] {
    const out = deltasOf(script).map((delta) => chunk(script, delta));
    out.push(chunk(script, {}, script.toolCall ? 'tool_calls' : 'stop'));
    const base = { id, object: 'chat.completion.chunk', created: seconds, model: script.model };
    if (asked.stream_options?.include_usage)
        out.push(spelled({ ...base, system_fingerprint: 'fp_ollama', choices: [], usage: usageOf(script) }));
    return [...out, '[DONE]'];
}

export const ollama: DialectFixture = {
    name: 'ollama',
    sources: [
        'ollama/ollama middleware/openai.go 077a50baa53553339fa1b545c74e08d88db90add',
        'ollama/ollama openai/openai.go 00988753ff743bf26117964f6e43f9ebf10bce30',
        'ollama/ollama runner/ollamarunner/cache.go 02f1a85d854257a5fb8aa6bb48271a832b73157e',
    ],
    contextLength: 4_096,
    concurrency: 1,
    tells: { cached: false, reasoning: false },
    routes: {
        '/api/version': { version: '0.13.0' },
        '/v1/models': { object: 'list', data: [{ id: 'm', object: 'model', created: seconds, owned_by: 'library' }] },
        // The context it was loaded with; /api/show would tell what it was trained on.
        '/api/ps': {
            models: [
                {
                    name: 'm',
                    model: 'm',
                    size: 1,
                    digest: 'd',
                    expires_at: '2026-11-23T00:05:00Z',
                    size_vram: 1,
                    context_length: 4_096,
                },
            ],
        },
    },
    events,
    whole: (script) => ({
        id,
        object: 'chat.completion',
        created: seconds,
        model: script.model,
        system_fingerprint: 'fp_ollama',
        choices: [
            {
                index: 0,
                message: {
                    role: 'assistant',
                    content: script.pieces.join(''),
                    ...(script.reasoning && { reasoning: script.reasoning }),
                },
                finish_reason: 'stop',
            },
        ],
        usage: usageOf(script),
    }),
    refusal: {
        status: 400,
        body: { error: { message: 'invalid image input', type: 'invalid_request_error', param: null, code: null } },
        message: 'invalid image input',
    },
    // Its middleware makes an empty chunk of the error and never comes to the end marker.
    failure: undefined,
    cacheKey: () => 'the slot',
    singleSlot: true,
    stopsBy: 'disconnect',
};
