/** The value that this share of them does not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
    if (values.length === 0) return NaN;
    const sorted = Float64Array.from(values).sort();
    return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}

export const median = (values: readonly number[]) => quantile(values, 0.5);
