/** The value that a share of all are not above; microseconds in, microseconds out. */
export function quantile(values: readonly number[], share: number): number {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)]!;
}

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));
