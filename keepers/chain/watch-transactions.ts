import type { Address, Transaction } from '@ton/core';
import { type Clock, systemClock } from '../base';
import type { ChainClient } from './chain-client';
import { ChainError } from './errors';

export interface WatchOptions {
    /** Logical time of the last transaction already handled; 0n: from the beginning of the account. */
    fromLt: bigint;
    pollIntervalMs: number;
    signal?: AbortSignal;
    clock?: Clock;
    pageSize?: number;
    /** Transactions fetched for one catch-up at most. */
    maxCatchUp?: number;
}

/** Yields every transaction of the account after `fromLt`, oldest first, each exactly once, until aborted. */
export async function* watchTransactions(
    client: ChainClient,
    account: Address,
    options: WatchOptions,
): AsyncGenerator<Transaction, void> {
    const { clock = systemClock, signal } = options;
    let handledLt = options.fromLt;
    while (!signal?.aborted) {
        for (const transaction of await transactionsSince(client, account, { ...options, fromLt: handledLt })) {
            yield transaction;
            handledLt = transaction.lt;
        }
        if (signal?.aborted) return;
        await clock.sleep(options.pollIntervalMs, signal).catch(() => undefined);
    }
}

/**
 * Everything after `fromLt`, oldest first. Each transaction names its predecessor, so a hole is noticed and, as
 * endpoints may answer from different blocks, never taken for the end.
 * @throws ChainError `history_gap` when the endpoint no longer has what lies between
 */
export async function transactionsSince(
    client: ChainClient,
    account: Address,
    options: Pick<WatchOptions, 'fromLt' | 'pageSize' | 'maxCatchUp'>,
): Promise<Transaction[]> {
    const { fromLt, pageSize = 32, maxCatchUp = 4096 } = options;
    const newestFirst: Transaction[] = [];
    for (;;) {
        const oldest = newestFirst.at(-1);
        if (oldest && oldest.prevTransactionLt <= fromLt) return newestFirst.reverse();
        const before = oldest && { lt: oldest.lt, hash: oldest.hash() };
        const page = await client.getTransactions(account, { limit: pageSize, before });
        const fresh = page.filter((transaction) => transaction.lt > fromLt);
        if (!oldest && fresh.length === 0) return [];
        requireUnbroken([...newestFirst.slice(-1), ...fresh], account);
        if (fresh.length === 0 || newestFirst.length + fresh.length > maxCatchUp)
            throw gap(account, oldest ?? fresh[0]!);
        newestFirst.push(...fresh);
    }
}

function requireUnbroken(newestFirst: Transaction[], account: Address): void {
    for (let i = 1; i < newestFirst.length; i++) {
        const newer = newestFirst[i - 1]!;
        if (newer.prevTransactionLt !== newestFirst[i]!.lt) throw gap(account, newer);
    }
}

function gap(account: Address, newer: Transaction): ChainError {
    return new ChainError('history_gap', `${account}: transactions before ${newer.lt} are missing at the endpoint`, {
        context: { account: account.toString(), lt: newer.lt.toString() },
    });
}
