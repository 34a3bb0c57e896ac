import type { Address, Transaction } from '@ton/core';
import { ChainError } from '../errors';
import type { PageQuery } from '../endpoints/endpoint-api';
import { follows, hashOf } from '../endpoints/verified-page';
import type { Cursor } from './cursor';

export interface HistoryOptions {
    pageSize?: number;
    /** Transactions fetched for one catch-up at most. */
    maxCatchUp?: number;
}

/** One endpoint's pages, newest first, each linked within itself. */
export type ReadPage = (query: PageQuery) => Promise<Transaction[]>;

/**
 * Everything after the cursor, oldest first. Each transaction names its predecessor by hash, down to the cursor itself: a
 * hole, a repetition or another order can't pass, and neither can another history than the one handled so far.
 * @throws ChainError `history_gap` when the endpoint lacks what lies between, or has another history
 */
export async function historySince(
    readPage: ReadPage,
    account: Address,
    at: HistoryOptions & { cursor: Cursor },
): Promise<Transaction[]> {
    const { cursor, pageSize = 32, maxCatchUp = 4096 } = at;
    const newestFirst: Transaction[] = [];
    for (;;) {
        const oldest = newestFirst.at(-1);
        if (oldest !== undefined && oldest.prevTransactionLt <= cursor.lt) {
            requireCursor(oldest, account, cursor);
            return newestFirst.reverse();
        }
        const before = oldest && { lt: oldest.lt, hash: oldest.hash() };
        const page = await readPage({ limit: pageSize, before });
        const fresh = page.filter(({ lt }) => lt > cursor.lt);
        if (oldest === undefined && fresh.length === 0) return [];
        if (fresh.length === 0) throw gap(account, oldest!, 'are missing');
        if (oldest !== undefined && !follows(oldest, fresh[0]!)) throw gap(account, oldest, 'do not follow');
        if (newestFirst.length + fresh.length > maxCatchUp)
            throw gap(account, fresh[0]!, `are more than ${maxCatchUp}`, { tooMany: true });
        newestFirst.push(...fresh);
    }
}

/** The first new one names the last handled one. */
function requireCursor(oldest: Transaction, account: Address, cursor: Cursor): void {
    if (cursor.hash === null) return;
    const linked = oldest.prevTransactionLt === cursor.lt && hashOf(oldest.prevTransactionHash).equals(cursor.hash);
    if (!linked) throw gap(account, oldest, 'belong to another history than what was handled');
}

function gap(account: Address, newer: Transaction, why: string, more: { tooMany?: true } = {}): ChainError {
    return new ChainError('history_gap', `${account}: at the endpoint, transactions before ${newer.lt} ${why}`, {
        context: { account: account.toString(), lt: newer.lt.toString(), ...more },
    });
}
