import { type ModelPrices, type WorkBound, worstCaseNano } from './pricing';

/** Output tokens of each completion that one window of a cap pays for. */
const windowTokens = 1024;

type Terms = ModelPrices & { contextLength: number };

/** The whole input: known, and worked on, before the first token of the answer. */
export function inputWorstCaseNano(terms: Terms, bound: WorkBound): bigint {
    return worstCaseNano(terms, { ...bound, completions: 0 });
}

/** What the first cap of a windowed request covers; gateway and node compute it alike. */
export function firstWindowNano(terms: Terms, bound: WorkBound): bigint {
    const maxTokens = Math.min(bound.maxTokens ?? windowTokens, windowTokens);
    return worstCaseNano(terms, { ...bound, maxTokens });
}

/** By how much each raise widens it. */
export function windowGrowthNano(terms: Terms, bound: WorkBound): bigint {
    return firstWindowNano(terms, bound) - inputWorstCaseNano(terms, bound);
}
