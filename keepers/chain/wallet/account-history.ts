import type { Address, Transaction } from '@ton/core';
import type { ChainClient } from '../chain-client';
import type { TransactionId } from '../endpoints/endpoint-api';

export interface HistoryQuery {
    /** Transactions after this logical time are looked at. */
    sinceLt: bigint;
    /** The account's last transaction: an endpoint that has not got it is behind, or of another chain. */
    last: TransactionId;
    matches: (transaction: Transaction) => boolean;
    maxTransactions?: number;
}

export interface History {
    match: Transaction | null;
    /** `whole`: every transaction asked about was seen. */
    state: 'whole' | 'lagging' | 'gone';
}

const pageSize = 32;

/** Looks through an account's transactions, newest first, each checked to be the predecessor that the newer one names. */
export async function searchHistory(client: ChainClient, account: Address, query: HistoryQuery): Promise<History> {
    const { sinceLt, last, matches, maxTransactions = 2_048 } = query;
    let oldest: Transaction | null = null;
    for (let seen = 0; seen < maxTransactions;) {
        const before: { lt: bigint; hash: Buffer } | undefined = oldest
            ? { lt: oldest.lt, hash: oldest.hash() }
            : undefined;
        const page = await client.getTransactions(account, { limit: pageSize, before });
        for (const transaction of page) {
            if (oldest === null ? transaction.lt < last.lt : transaction.lt !== oldest.prevTransactionLt)
                return { match: null, state: oldest === null ? 'lagging' : 'gone' };
            if (transaction.lt === last.lt && !transaction.hash().equals(last.hash))
                return { match: null, state: 'lagging' };
            if (transaction.lt <= sinceLt) return { match: null, state: 'whole' };
            if (matches(transaction)) return { match: transaction, state: 'whole' };
            oldest = transaction;
            seen++;
            if (oldest.prevTransactionLt <= sinceLt) return { match: null, state: 'whole' };
        }
        if (page.length === 0) return { match: null, state: oldest === null ? 'lagging' : 'gone' };
    }
    return { match: null, state: 'gone' };
}
