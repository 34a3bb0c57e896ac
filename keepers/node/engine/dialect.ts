import type { EngineApi } from './engine-api';
import {
    type EngineCapacity,
    llamaServerCapacity,
    noCapacity,
    ollamaCapacity,
    sglangCapacity,
    vllmCapacity,
} from './capacity';

export const dialectNames = ['vllm', 'sglang', 'ollama', 'llama-server', 'plain'] as const;
export type DialectName = (typeof dialectNames)[number];

/** In what one OpenAI-compatible server differs from another; docs/engines.md has the sources. */
export interface Dialect {
    /** Counts with every chunk when asked, so that a stream which breaks is metered to the token. */
    continuousUsage: boolean;
    /** No event of a stream holds less than a token, so that one which breaks is paid for by its events where nothing counted. */
    eventsHoldTokens?: boolean;
    /** Answers 200 when the engine can take requests. */
    healthPath: string | undefined;
    /** Fields that go with every request, in place of the client's of the same name. */
    fields(request: { cacheSalt: string; requestId: string }): Record<string, string | boolean>;
    /** Fields by which a client would reach other clients' requests or caches, or the engine's own network. */
    refused: readonly string[];
    capacity(api: EngineApi, models: readonly string[], signal: AbortSignal): Promise<EngineCapacity>;
    /** Stops a request that closing its connection alone would leave running. */
    abort?(api: EngineApi, requestId: string, signal: AbortSignal): Promise<unknown>;
    /** Overwrites what the engine remembers of the last prompt; such an engine serves one request at a time. */
    forget?(api: EngineApi, model: string, signal: AbortSignal): Promise<unknown>;
}

const severalChoices = ['n', 'best_of'];

export const dialects: Record<DialectName, Dialect> = {
    vllm: {
        continuousUsage: true,
        healthPath: '/health',
        fields: ({ cacheSalt }) => ({ cache_salt: cacheSalt }),
        refused: ['kv_transfer_params', 'ec_transfer_params', 'request_id', 'session_id', 'priority'],
        capacity: vllmCapacity,
    },
    sglang: {
        continuousUsage: true,
        healthPath: '/health',
        // Older ones know `extra_key` alone; where both are known they are joined.
        fields: ({ cacheSalt, requestId }) => ({ cache_salt: cacheSalt, extra_key: cacheSalt, rid: requestId }),
        refused: ['bootstrap_host', 'bootstrap_port', 'bootstrap_room', 'session_id', 'session_params', 'priority'],
        capacity: sglangCapacity,
        // For an answer in one piece it looks every four seconds whether its client is still there.
        abort: (api, rid, signal) => api.postJson('/abort_request', { rid }, signal),
    },
    ollama: {
        continuousUsage: false,
        eventsHoldTokens: true,
        healthPath: '/api/version',
        fields: () => ({}),
        // It would answer with one choice and say nothing.
        refused: severalChoices,
        capacity: ollamaCapacity,
        // Its slot keeps the last prompt, and a request takes over what it shares with it: here not even a template.
        forget: (api, model, signal) =>
            api.postJson(
                '/api/generate',
                { model, prompt: '\n', raw: true, stream: false, options: { num_predict: 1 } },
                signal,
            ),
    },
    'llama-server': {
        continuousUsage: false,
        eventsHoldTokens: true,
        healthPath: '/health',
        fields: () => ({ cache_prompt: false }),
        // Of several choices it counts each apart, and none of them all together. `n_predict` it follows where `max_tokens`,
        // by which the request is priced, says less; `n_cmpl` where `n` does.
        refused: ['id_slot', 'n_cache_reuse', 'n_predict', 'n_cmpl', ...severalChoices],
        capacity: llamaServerCapacity,
    },
    /** A server that keeps nothing of a prompt: by naming it the operator says so, and the measured image shows it. */
    plain: {
        continuousUsage: false,
        healthPath: undefined,
        fields: () => ({}),
        refused: [],
        capacity: noCapacity,
    },
};
