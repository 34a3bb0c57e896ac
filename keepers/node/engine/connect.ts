import { z } from 'zod';
import type { DialectName } from './dialect';
import { EngineApi } from './engine-api';
import { EngineError } from './errors';
import { OpenAiCompatibleEngine, type OpenAiCompatibleOptions } from './openai-compatible';
import type { TokenCounter } from './text-usage';
import { warmUp } from './warm-up';

/** Loading a large model takes minutes. */
const warmUpMs = 600_000;
const detectMs = 10_000;

const ownedModels = z.object({ data: z.array(z.object({ owned_by: z.string().nullish() })) });

/** What each writes into its model list. */
const owners: Record<string, DialectName> = {
    vllm: 'vllm',
    sglang: 'sglang',
    llamacpp: 'llama-server',
    library: 'ollama',
};

/** Finds out what serves there, warms it up, and runs no more at once than it says it can. */
export async function connectEngine(options: OpenAiCompatibleOptions): Promise<OpenAiCompatibleEngine> {
    const dialect = options.dialect ?? (await detectDialect(options));
    // Not its to close.
    const tokenizer = options.tokenizer && { ...bound(options.tokenizer), close: async () => undefined };
    const first = new OpenAiCompatibleEngine({ ...options, dialect, ...(tokenizer && { tokenizer }) });
    try {
        const signal = AbortSignal.timeout(warmUpMs);
        await warmUp(first, await first.models(signal), { capabilities: first.capabilities, signal });
        const told = await first.concurrency(signal);
        const maxConcurrency = Math.min(told ?? first.maxConcurrency, first.maxConcurrency);
        return new OpenAiCompatibleEngine({ ...options, dialect, maxConcurrency });
    } finally {
        await first.close();
    }
}

function bound(tokenizer: TokenCounter): Omit<TokenCounter, 'close'> {
    return {
        promptTokens: (request) => tokenizer.promptTokens(request),
        textTokens: (text) => tokenizer.textTokens(text),
    };
}

/** @throws EngineError when it is none of those known: how it keeps clients' caches apart must then be said */
export async function detectDialect(options: OpenAiCompatibleOptions): Promise<DialectName> {
    const limits = { connectTimeoutMs: detectMs, firstByteTimeoutMs: detectMs, idleTimeoutMs: detectMs };
    const api = new EngineApi({ ...options, ...limits });
    try {
        const signal = AbortSignal.timeout(detectMs);
        const listed = ownedModels.safeParse(await api.getJson('/v1/models', signal));
        const found = new Set((listed.data?.data ?? []).map(({ owned_by }) => owners[owned_by ?? '']));
        const [dialect] = found;
        if (found.size === 1 && dialect !== undefined) return dialect;
    } finally {
        await api.close();
    }
    throw new EngineError(
        'engine_unavailable',
        'the engine is of no known kind: name its dialect in the configuration',
    );
}
