/** Index of the first element greater than `at`, among the first `end`; `sorted` never falls. */
export function firstAbove(sorted: ArrayLike<number>, at: number, end = sorted.length): number {
    let low = 0;
    let high = end;
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (sorted[middle]! > at) high = middle;
        else low = middle + 1;
    }
    return low;
}

/** Draws an index by weight, given the running sums of the weights; `end` bounds the indices. */
export function drawIndex(sums: ArrayLike<number>, random: number, end = sums.length): number {
    return Math.min(firstAbove(sums, random * sums[end - 1]!, end), end - 1);
}

export function runningSums(weights: readonly number[]): Float64Array {
    const sums = new Float64Array(weights.length);
    let sum = 0;
    for (let index = 0; index < weights.length; index++) sums[index] = sum += weights[index]!;
    return sums;
}
