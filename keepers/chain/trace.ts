import type { Address, Message, Transaction } from '@ton/core';
import { type Clock, systemClock } from '../base';
import type { ChainClient } from './chain-client';
import { type TransactionOutcome, transactionOutcome } from './transaction-outcome';

export interface TraceOptions {
    /** After this the transactions found so far are returned, with `complete` false. */
    timeoutMs: number;
    pollIntervalMs: number;
    signal?: AbortSignal;
    clock?: Clock;
    maxTransactions?: number;
}

export interface TraceTransaction extends TransactionOutcome {
    /** Messages between it and the root, which has 0. */
    depth: number;
}

export interface Trace {
    /** The root first. */
    transactions: TraceTransaction[];
    complete: boolean;
}

const pageSize = 20;
const maxPages = 5;

/** Follows a transaction's internal out-messages to the transactions that they caused, until all are found. */
export async function walkTrace(client: ChainClient, root: Transaction, options: TraceOptions): Promise<Trace> {
    const { clock = systemClock, maxTransactions = 64 } = options;
    const deadlineMs = clock.monotonicMs() + options.timeoutMs;
    const transactions: TraceTransaction[] = [{ ...transactionOutcome(root), depth: 0 }];
    let pending = outMessages(root, 0);
    while (pending.length > 0 && transactions.length < maxTransactions) {
        const missing: Pending[] = [];
        const found: Pending[] = [];
        for (const { message, depth } of pending) {
            const child = await findByMessage(client, message);
            if (!child) {
                missing.push({ message, depth });
                continue;
            }
            transactions.push({ ...transactionOutcome(child), depth });
            found.push(...outMessages(child, depth));
        }
        pending = [...missing, ...found];
        if (missing.length === 0) continue;
        if (clock.monotonicMs() >= deadlineMs) return { transactions, complete: false };
        await clock.sleep(options.pollIntervalMs, options.signal);
    }
    return { transactions, complete: pending.length === 0 };
}

interface Pending {
    message: Message;
    /** Of the transaction that it will cause. */
    depth: number;
}

function outMessages(transaction: Transaction, depth: number): Pending[] {
    const internal = transaction.outMessages.values().filter((message) => message.info.type === 'internal');
    return internal.map((message) => ({ message, depth: depth + 1 }));
}

/** Sender and logical time name an internal message uniquely. */
async function findByMessage(client: ChainClient, message: Message): Promise<Transaction | null> {
    const { info } = message;
    if (info.type !== 'internal') return null;
    return findTransaction(client, info.dest, {
        matches: ({ inMessage }) =>
            inMessage?.info.type === 'internal' &&
            inMessage.info.createdLt === info.createdLt &&
            inMessage.info.src.equals(info.src),
        notBeforeLt: info.createdLt,
    });
}

/** The newest match among an account's recent transactions; stops at `notBeforeLt`. */
export async function findTransaction(
    client: ChainClient,
    account: Address,
    query: { matches: (transaction: Transaction) => boolean; notBeforeLt: bigint },
): Promise<Transaction | null> {
    let before: { lt: bigint; hash: Buffer } | undefined;
    for (let page = 0; page < maxPages; page++) {
        const transactions = await client.getTransactions(account, { limit: pageSize, before });
        const match = transactions.find(query.matches);
        if (match) return match;
        const oldest = transactions.at(-1);
        if (!oldest || oldest.lt <= query.notBeforeLt || oldest.prevTransactionLt === 0n) return null;
        before = { lt: oldest.lt, hash: oldest.hash() };
    }
    return null;
}
