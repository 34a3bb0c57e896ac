/** No platform draws more than this, whatever capacity it claims. */
export const platformWeightCeiling = 64;

/** With as many platforms or more, none draws more than one part in so many. */
export const leastPlatforms = 4;

/** From this weight on no platform's can be more than its part. */
export const uncappedWeight = leastPlatforms * platformWeightCeiling;

/**
 * Lowers the largest weights until none is more than a quarter of all. With fewer than four platforms that is impossible,
 * and the weights stay as they are.
 */
export function capShares(weights: readonly number[]): number[] {
    if (weights.length < leastPlatforms) return [...weights];
    const largest = [...weights].sort((a, b) => b - a).slice(0, leastPlatforms);
    let rest = weights.reduce((sum, weight) => sum + weight, 0);
    // With j platforms at the cap c, all others together make up (4 - j) c.
    for (let capped = 0; capped < leastPlatforms; capped++) {
        const cap = rest / (leastPlatforms - capped);
        if (largest[capped]! <= cap) return weights.map((weight) => Math.min(weight, cap));
        rest -= largest[capped]!;
    }
    return [...weights];
}
