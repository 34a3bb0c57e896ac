import { LedgerError } from './errors';
import type { GatewayStatements } from './gateway-statements';

export type BudgetPeriod = 'day' | 'month' | 'total';

/** Whose request it is, and what that key may spend; days and months are UTC's. */
export interface SpendingKey {
    name: string;
    budgetNano: Partial<Record<BudgetPeriod, bigint>>;
}

export interface KeySpend {
    /** by final receipts, in the period of the moment asked for */
    spentNano: Record<BudgetPeriod, bigint>;
    /** set aside for requests that are open */
    openNano: bigint;
}

const periods = ['day', 'month', 'total'] as const;

export function utcDay(atMs: number): string {
    return new Date(atMs).toISOString().slice(0, 10);
}

export function keySpend(sql: GatewayStatements, name: string, atMs: number): KeySpend {
    const day = utcDay(atMs);
    const since = (from: string) => sql.keySpentSince.get(name, from)!.spent ?? 0n;
    return {
        spentNano: { day: since(day), month: since(`${day.slice(0, 7)}-01`), total: since('') },
        openNano: sql.keyOpen.get(name)!.open ?? 0n,
    };
}

/** What is left of the tightest budget, undefined for a key without any. */
export function budgetLeftNano(key: SpendingKey, { spentNano, openNano }: KeySpend): bigint | undefined {
    const left = periods.flatMap((period) => {
        const budget = key.budgetNano[period];
        return budget === undefined ? [] : [budget - spentNano[period] - openNano];
    });
    return left.length === 0 ? undefined : left.reduce((least, next) => (next < least ? next : least));
}

/**
 * Inside the transaction that sets the worst case aside.
 * @param addedNano what is not in the ledger yet
 * @throws LedgerError `budget_exhausted`
 */
export function requireBudget(sql: GatewayStatements, key: SpendingKey, atMs: number, addedNano = 0n): void {
    const { spentNano, openNano } = keySpend(sql, key.name, atMs);
    const over = periods.find((period) => {
        const budget = key.budgetNano[period];
        return budget !== undefined && spentNano[period] + openNano + addedNano > budget;
    });
    if (over === undefined) return;
    throw new LedgerError('budget_exhausted', `The ${over} budget of the key does not cover this request`, {
        context: { period: over, budgetNano: key.budgetNano[over]!.toString() },
    });
}
