import { ceilDiv } from '../../base';
import actCosts from './act-costs.json';

/** Prices of gas and forwarding that the costs were measured under. */
export type FeePrices = 'sandbox' | 'mainnet-2026';

export type Act = keyof typeof actCosts;

/** What an act costs who pays for it, nanoTON: measured on the contracts by `npm run gas`. */
export function actCostNano(act: Act, prices: FeePrices): bigint {
    const { sandboxNano, mainnetNano } = actCosts[act];
    return BigInt(prices === 'sandbox' ? sandboxNano : mainnetNano);
}

/** Full batches of ten, and what is left as one more; a further line costs what nine cost above the first, over nine. */
export function settlingCostNano(lines: number, prices: FeePrices): bigint {
    const [one, ten] = [actCostNano('settle1Line', prices), actCostNano('settle10Lines', prices)];
    const [batches, rest] = [BigInt(Math.floor(lines / 10)), BigInt(lines % 10)];
    return batches * ten + (rest === 0n ? 0n : one + ceilDiv((ten - one) * (rest - 1n), 9n));
}

const daySec = 86_400n;

/** Staying admitted: a node attests again when half of its key's life is over, and has the hub told. */
export function attestationCostNano(of: { keyLifeSec: number; snp: boolean; days: bigint; prices: FeePrices }): bigint {
    const { keyLifeSec, snp, days, prices } = of;
    const once = actCostNano(snp ? 'registerByBond' : 'reattestNode', prices) + actCostNano('admitNode', prices);
    return ceilDiv(once * days * daySec * 2n, BigInt(keyLifeSec));
}
