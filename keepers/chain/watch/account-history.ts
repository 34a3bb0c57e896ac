import type { Address, Transaction } from '@ton/core';
import { ChainError } from '../errors';
import type { Endpoint } from '../endpoints/endpoint';
import type { TransactionId } from '../endpoints/endpoint-api';
import type { EndpointPool } from '../endpoints/endpoint-pool';

export interface HistoryQuery {
    /** The newest to look at. All older ones follow from it by hash: who believes it needs to believe nobody who shows them. */
    last: TransactionId;
    matches: (transaction: Transaction) => boolean;
    /** Whether a transaction, hence every older one, is from before what is asked about. */
    isBefore: (transaction: Transaction) => boolean;
    maxTransactions?: number;
}

export interface History {
    match: Transaction | null;
    /** `whole`: every transaction asked about was seen; `gone`: the oldest are not to be had; `lagging`: ask again. */
    state: 'whole' | 'lagging' | 'gone';
}

const pageSize = 32;

/**
 * Looks through an account's transactions, newest first. Any endpoint's pages prove what they show; that the rest is gone
 * they don't prove, so that takes two operators (one, where there is no other) and none that has it.
 * @throws ChainError where no endpoint can show the newest
 */
export async function searchHistory(pool: EndpointPool, account: Address, query: HistoryQuery): Promise<History> {
    const failures: unknown[] = [];
    let withoutOldest = 0;
    for (const endpoint of pool.independent()) {
        try {
            const found = await searchAt(endpoint, { pool, account, query });
            if (found.state === 'whole') return found;
            withoutOldest++;
        } catch (error) {
            if (!(error instanceof ChainError)) throw error;
            failures.push(error);
        }
    }
    if (withoutOldest === 0) throw failures[0];
    return { match: null, state: withoutOldest < Math.min(2, pool.operators) ? 'lagging' : 'gone' };
}

async function searchAt(
    endpoint: Endpoint,
    { pool, account, query }: { pool: EndpointPool; account: Address; query: HistoryQuery },
): Promise<History> {
    const { last, matches, isBefore, maxTransactions = 2_048 } = query;
    let oldest: Transaction | undefined;
    for (let seen = 0; seen < maxTransactions;) {
        const start = oldest === undefined ? { from: last } : { before: { lt: oldest.lt, hash: oldest.hash() } };
        const page = await endpoint.call(
            'transactions',
            (api) => api.transactions(account, { limit: pageSize, ...start }),
            pool.limits(),
        );
        for (const transaction of page) {
            if (matches(transaction)) return { match: transaction, state: 'whole' };
            if (isBefore(transaction) || transaction.prevTransactionLt === 0n) return { match: null, state: 'whole' };
        }
        if (page.length === 0) break;
        oldest = page.at(-1);
        seen += page.length;
    }
    return { match: null, state: 'gone' };
}
