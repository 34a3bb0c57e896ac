import { z } from 'zod';
import { EngineUsage } from './engine';

const tokenCount = z.number().int().nonnegative();

/** OpenAI's `usage`; `completion_tokens` is absent for embeddings, the details are absent from smaller servers. */
const openAiUsage = z.object({
    prompt_tokens: tokenCount,
    completion_tokens: tokenCount.nullish(),
    prompt_tokens_details: z.object({ cached_tokens: tokenCount.nullish() }).nullish(),
    completion_tokens_details: z.object({ reasoning_tokens: tokenCount.nullish() }).nullish(),
    /** SGLang's place for it. */
    reasoning_tokens: tokenCount.nullish(),
});

/** Undefined when the value is no usage, or one that contradicts itself: a part larger than its whole. */
export function parseUsage(value: unknown): EngineUsage | undefined {
    const parsed = openAiUsage.safeParse(value);
    if (!parsed.success) return undefined;
    const usage = {
        promptTokens: parsed.data.prompt_tokens,
        cachedPromptTokens: parsed.data.prompt_tokens_details?.cached_tokens ?? 0,
        completionTokens: parsed.data.completion_tokens ?? 0,
        reasoningTokens: parsed.data.completion_tokens_details?.reasoning_tokens ?? parsed.data.reasoning_tokens ?? 0,
    };
    const consistent =
        usage.cachedPromptTokens <= usage.promptTokens && usage.reasoningTokens <= usage.completionTokens;
    return consistent ? usage : undefined;
}

export function formatUsage(usage: EngineUsage): Record<string, unknown> {
    return {
        prompt_tokens: usage.promptTokens,
        completion_tokens: usage.completionTokens,
        total_tokens: usage.promptTokens + usage.completionTokens,
        prompt_tokens_details: { cached_tokens: usage.cachedPromptTokens },
        completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    };
}
