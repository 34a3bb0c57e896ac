import { ceilDiv } from '../base';
import { misuse } from './errors';

/** nanoTON for a million tokens */
export interface ModelPrices {
    inputNano: bigint;
    cachedInputNano: bigint;
    outputNano: bigint;
    reasoningNano: bigint;
}

/** Tokens of one request. Cached tokens are part of the prompt, reasoning tokens part of the completion. */
export interface TokenUsage {
    promptTokens: number;
    cachedPromptTokens: number;
    completionTokens: number;
    reasoningTokens: number;
}

const tokensPerPrice = 1_000_000n;

/** Prompt tokens that a chat template may add beyond the bytes of the request. */
export const templateAllowanceTokens = 1024;

/** Exact; rounded up once, at the end. */
export function costNano(prices: ModelPrices, usage: TokenUsage): bigint {
    checkUsage(usage);
    const cost =
        prices.inputNano * BigInt(usage.promptTokens - usage.cachedPromptTokens) +
        prices.cachedInputNano * BigInt(usage.cachedPromptTokens) +
        prices.outputNano * BigInt(usage.completionTokens - usage.reasoningTokens) +
        prices.reasoningNano * BigInt(usage.reasoningTokens);
    return ceilDiv(cost, tokensPerPrice);
}

/** Why a usage makes no sense, if it does not. */
export function usageProblem(usage: TokenUsage): string | undefined {
    const counts = [usage.promptTokens, usage.cachedPromptTokens, usage.completionTokens, usage.reasoningTokens];
    if (!counts.every((count) => Number.isInteger(count) && count >= 0 && count <= 0xffffffff)) return 'not a count';
    if (usage.cachedPromptTokens > usage.promptTokens) return 'more cached tokens than the prompt has';
    if (usage.reasoningTokens > usage.completionTokens) return 'more reasoning tokens than the completion has';
    return undefined;
}

export function checkUsage(usage: TokenUsage): void {
    const problem = usageProblem(usage);
    if (problem) throw misuse(`usage: ${problem}`);
}

/** What a request can use at most; see `workBound`. */
export interface WorkBound {
    /** length of the padded request, which everyone sees: caps made of it tell nothing more about the text */
    paddedBytes: number;
    /** prompts in one body: 1 for a chat, the length of the list for completions and embeddings */
    prompts: number;
    /** completions in all, over all prompts; 0 for embeddings */
    completions: number;
    /** of one completion; undefined where the body names none */
    maxTokens: number | undefined;
}

/** The most tokens that a request within `bound` can use. */
export function worstCaseTokens(contextLength: number, bound: WorkBound): { prompt: bigint; completion: bigint } {
    const byContext = BigInt(contextLength) * BigInt(bound.prompts);
    const byBytes = BigInt(bound.paddedBytes + templateAllowanceTokens);
    const perCompletion = Math.min(bound.maxTokens ?? contextLength, contextLength);
    return {
        prompt: byContext < byBytes ? byContext : byBytes,
        completion: BigInt(bound.completions) * BigInt(perCompletion),
    };
}

/** Of a count that is larger than the request allows, as much as it allows. */
export function usageWithin(usage: TokenUsage, most: { prompt: bigint; completion: bigint }): TokenUsage {
    const promptTokens = lesser(usage.promptTokens, most.prompt);
    const completionTokens = lesser(usage.completionTokens, most.completion);
    return {
        promptTokens,
        cachedPromptTokens: Math.min(usage.cachedPromptTokens, promptTokens),
        completionTokens,
        reasoningTokens: Math.min(usage.reasoningTokens, completionTokens),
    };
}

function lesser(count: number, most: bigint): number {
    return BigInt(count) < most ? count : Number(most);
}

/** What a request can cost at most: gateway and node compute it alike, and caps are made of it. */
export function worstCaseNano(terms: ModelPrices & { contextLength: number }, bound: WorkBound): bigint {
    const tokens = worstCaseTokens(terms.contextLength, bound);
    const input = terms.inputNano > terms.cachedInputNano ? terms.inputNano : terms.cachedInputNano;
    const output = terms.outputNano > terms.reasoningNano ? terms.outputNano : terms.reasoningNano;
    return ceilDiv(input * tokens.prompt + output * tokens.completion, tokensPerPrice);
}
