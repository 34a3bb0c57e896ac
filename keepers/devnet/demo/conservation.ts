/** Balance of every account of a chain at one moment, and what validators had collected by then. */
export interface ChainTotals {
    balancesNano: ReadonlyMap<string, bigint>;
    /** Gas, forward, storage and import fees since genesis. */
    feesNano: bigint;
}

function sum(values: Iterable<bigint>): bigint {
    let total = 0n;
    for (const value of values) total += value;
    return total;
}

/** Money neither appears nor vanishes: what all accounts lost is exactly what was paid in fees. */
export function isConserved(before: ChainTotals, after: ChainTotals): boolean {
    const lostNano = sum(before.balancesNano.values()) - sum(after.balancesNano.values());
    return lostNano === after.feesNano - before.feesNano;
}
