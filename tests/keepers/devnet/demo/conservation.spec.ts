import { type ChainTotals, isConserved } from '../../../../keepers/devnet/demo/conservation';

function totals(balances: Record<string, bigint>, feesNano: bigint): ChainTotals {
    return { balancesNano: new Map(Object.entries(balances)), feesNano };
}

describe('conservation of a chain', () => {
    const before = totals({ client: 100n, provider: 0n }, 7n);

    it('holds when what left the accounts went into fees', () => {
        expect(isConserved(before, totals({ client: 60n, provider: 37n }, 10n))).toBe(true);
    });

    it('breaks on a leak of one nanoTON, and on one that appears', () => {
        expect(isConserved(before, totals({ client: 60n, provider: 36n }, 10n))).toBe(false);
        expect(isConserved(before, totals({ client: 60n, provider: 38n }, 10n))).toBe(false);
    });

    it('counts accounts that exist at one moment only', () => {
        expect(isConserved(before, totals({ client: 50n, escrow: 50n }, 7n))).toBe(true);
    });
});
