import type { Address, Transaction } from '@ton/core';
import { type Clock, systemClock } from '../../base';
import type { ChainClient } from '../chain-client';
import { ChainError } from '../errors';
import { beginning, type Cursor, type CursorStore } from './cursor';
import { historySince, type HistoryOptions } from './history';

export interface WatchOptions extends HistoryOptions {
    /** Logical time of the last transaction already handled; 0n: from the beginning of the account. */
    fromLt: bigint;
    pollIntervalMs: number;
    /** Where the watch goes on after a restart, over `fromLt`. */
    store?: CursorStore;
    /** Masterchain blocks that must follow the one at which a transaction was first seen. */
    confirmations?: number;
    /** Ends once everything was handled; throws where endpoints can't say, instead of waiting for them. */
    untilCaughtUp?: boolean;
    /** Told of each poll that came to nothing; the watch goes on. */
    onTrouble?: (error: ChainError) => void;
    signal?: AbortSignal;
    clock?: Clock;
}

/** A hole that no endpoint could fill in so many polls in a row is one. */
const pollsToGap = 5;

/** Masterchain blocks are final; one more shows that the network built on it. */
export const defaultConfirmations = 1;

/**
 * Yields every transaction of the account after the cursor, oldest first, each exactly once, until aborted or caught up.
 * An endpoint that fails, lags or has a hole is passed over for another. A transaction counts as handled when the next is
 * asked for.
 * @throws ChainError `history_gap` when no endpoint has what follows the cursor: nothing is skipped
 */
export async function* watchTransactions(
    client: ChainClient,
    account: Address,
    options: WatchOptions,
): AsyncGenerator<Transaction, void> {
    const { clock = systemClock, signal, store, confirmations = defaultConfirmations } = options;
    let cursor: Cursor = (await store?.load()) ?? { ...beginning, lt: options.fromLt };
    const state = { confirmations, firstSeen: new Map<string, number>(), gaps: 0 };
    while (!signal?.aborted) {
        const fresh = await poll(client, account, options, Object.assign(state, { cursor }));
        if (fresh?.length === 0 && options.untilCaughtUp === true && state.firstSeen.size === 0) return;
        for (const transaction of fresh ?? []) {
            yield transaction;
            cursor = { lt: transaction.lt, hash: transaction.hash() };
            await store?.save(cursor);
            state.firstSeen.delete(cursor.hash!.toString('hex'));
        }
        if (signal?.aborted) return;
        if (options.untilCaughtUp === true && fresh !== null && fresh.length > 0) continue;
        await clock.sleep(options.pollIntervalMs, signal).catch(() => undefined);
    }
}

interface WatchState {
    cursor: Cursor;
    confirmations: number;
    firstSeen: Map<string, number>;
    /** Polls in a row that met one. */
    gaps: number;
}

/** Null where the endpoints can't say: the cursor stays, so nothing is lost by waiting. */
async function poll(
    client: ChainClient,
    account: Address,
    options: WatchOptions,
    state: WatchState,
): Promise<Transaction[] | null> {
    try {
        const found = await client.confirmedSince(account, { ...options, ...state });
        state.gaps = 0;
        return found;
    } catch (error) {
        if (options.signal?.aborted) return null;
        if (!(error instanceof ChainError)) throw error;
        // Of too many no endpoint has fewer.
        if (error.context['tooMany'] === true) throw error;
        const isGap = error.code === 'history_gap';
        state.gaps = isGap ? state.gaps + 1 : 0;
        if (!(isGap ? state.gaps < pollsToGap : isWorthWaiting(error, options))) throw error;
        options.onTrouble?.(error);
        return null;
    }
}

function isWorthWaiting(error: ChainError, { untilCaughtUp = false }: WatchOptions): boolean {
    return !untilCaughtUp && (error.action === 'retry' || error.code === 'rpc_malformed');
}

/**
 * Everything after `fromLt`, oldest first, as one endpoint has it now: for looking back, not for money.
 * @throws ChainError `history_gap` when the endpoint no longer has what lies between
 */
export function transactionsSince(
    client: ChainClient,
    account: Address,
    { fromLt, ...options }: Pick<WatchOptions, 'fromLt' | 'pageSize' | 'maxCatchUp'>,
): Promise<Transaction[]> {
    const cursor = { lt: fromLt, hash: null };
    return historySince((query) => client.getTransactions(account, query), account, { ...options, cursor });
}
