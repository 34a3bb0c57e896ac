import { formatTon } from '../../base';
import type { ModelPrices } from '../../confidential';
import { actCostNano, attestationCostNano, type FeePrices, settlingCostNano } from './economics';

export interface EstimateTerms {
    model: string;
    prices: ModelPrices;
    /** Output tokens of the whole node when every place is taken. */
    tokensPerSecond: number;
    /** Share of the day in which they are. */
    utilisation: number;
    /** Input tokens for each output token. */
    inputRatio: number;
    feeBps: number;
    keyLifeSec: number;
    snp: boolean;
    fees: FeePrices;
}

/** A day, nanoTON. */
export interface Estimate {
    outputTokens: bigint;
    inputTokens: bigint;
    grossNano: bigint;
    hubFeeNano: bigint;
    /** Staying attested and admitted, and a claim a week. */
    chainNano: bigint;
    netNano: bigint;
    /** Gross income of a day from which the node pays for its own attestations. */
    breakEvenNano: bigint;
    /** For a provider who settles alone: one receipt stream, posted by itself. */
    settleOneNano: bigint;
}

const daySec = 86_400;
const perPrice = 1_000_000n;
const claimsPerWeek = 1n;

/** Pure; whole tokens first, so that the sums are exact for them. */
export function estimateDay(terms: EstimateTerms): Estimate {
    const { prices, tokensPerSecond, utilisation, inputRatio, feeBps, fees, keyLifeSec, snp } = terms;
    const outputTokens = BigInt(Math.floor(tokensPerSecond * utilisation * daySec));
    const inputTokens = BigInt(Math.floor(tokensPerSecond * utilisation * daySec * inputRatio));
    const grossNano = (outputTokens * prices.outputNano + inputTokens * prices.inputNano) / perPrice;
    const hubFeeNano = (grossNano * BigInt(feeBps)) / 10_000n;
    const weekNano =
        attestationCostNano({ keyLifeSec, snp, days: 7n, prices: fees }) + claimsPerWeek * actCostNano('claim', fees);
    const chainNano = weekNano / 7n;
    return {
        outputTokens,
        inputTokens,
        grossNano,
        hubFeeNano,
        chainNano,
        netNano: grossNano - hubFeeNano - chainNano,
        breakEvenNano: (chainNano * 10_000n) / BigInt(10_000 - feeBps),
        settleOneNano: settlingCostNano(1, fees),
    };
}

export function describeEstimate(estimate: Estimate, assumptions: readonly string[]): string[] {
    const { grossNano, hubFeeNano, chainNano, netNano, breakEvenNano, outputTokens, inputTokens, settleOneNano } =
        estimate;
    return [
        'Estimate, a day',
        `  tokens          ${inputTokens} in, ${outputTokens} out`,
        `  income          ${formatTon(grossNano)} TON`,
        `  hub's fee      -${formatTon(hubFeeNano)} TON`,
        `  chain          -${formatTon(chainNano)} TON (attesting, admission, one claim a week)`,
        `  left            ${formatTon(netNano)} TON`,
        `  break-even      at ${formatTon(breakEvenNano)} TON of income a day`,
        `  settling alone  ${formatTon(settleOneNano)} TON for each receipt stream posted by itself; a dispatcher's settler pays it from its fee`,
        'Assumed',
        ...assumptions.map((assumption) => `  - ${assumption}`),
    ];
}
