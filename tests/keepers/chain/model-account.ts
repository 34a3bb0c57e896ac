import {
    Address,
    beginCell,
    type Cell,
    Dictionary,
    loadTransaction,
    storeTransaction,
    type Transaction,
} from '@ton/core';
import type { HttpAnswer, HttpExchange } from '../../../keepers/chain/endpoints/http-exchange';

/** An account with a history that grows by hand, and endpoints in this process that tell it, well or badly. */

export const modelAddress = new Address(0, Buffer.alloc(32, 0x44));

export interface ModelTransaction {
    cell: Cell;
    transaction: Transaction;
}

/** Each linked to the one before by logical time and hash, as on chain. */
export function nextTransaction(previous: ModelTransaction | undefined, lt: bigint): ModelTransaction {
    const before = previous?.transaction;
    const value: Omit<Transaction, 'raw' | 'hash'> = {
        address: BigInt(`0x${modelAddress.hash.toString('hex')}`),
        lt,
        prevTransactionLt: before?.lt ?? 0n,
        prevTransactionHash: before === undefined ? 0n : BigInt(`0x${before.hash().toString('hex')}`),
        now: 1_800_000_000,
        outMessagesCount: 0,
        oldStatus: 'active',
        endStatus: 'active',
        outMessages: Dictionary.empty(Dictionary.Keys.Uint(15)),
        totalFees: { coins: 0n },
        stateUpdate: { oldHash: Buffer.alloc(32), newHash: Buffer.alloc(32) },
        description: {
            type: 'storage',
            storagePhase: { storageFeesCollected: 0n, statusChange: 'unchanged' },
        },
    };
    const cell = beginCell()
        .store(storeTransaction(value as Transaction))
        .endCell();
    return { cell, transaction: loadTransaction(cell.beginParse()) };
}

export type ModelFault = 'none' | 'error' | 'html' | 'stale' | 'missing' | 'reordered' | 'duplicated' | 'cut' | 'fork';

/** toncenter v2 over a model history; `fault` decides what happens to the next page asked for. */
export function modelExchange(model: {
    history: () => readonly ModelTransaction[];
    fork: () => readonly ModelTransaction[];
    seqno: () => number;
    fault: (host: string) => ModelFault;
}): HttpExchange {
    return async ({ url, body }) => {
        const { method, params } = JSON.parse(body!) as { method: string; params: PageParams };
        const zeros = Buffer.alloc(32).toString('base64');
        const last = { seqno: model.seqno(), root_hash: zeros };
        if (method === 'getMasterchainInfo') return resultOf({ last });
        const fault = model.fault(new URL(url).host);
        if (fault === 'error') return answerOf(500, '{"ok":false,"error":"busy","code":500}');
        if (fault === 'html') return answerOf(200, '<html>');
        const honest = fault === 'fork' ? model.fork() : model.history();
        const known = fault === 'stale' ? honest.slice(0, Math.floor(honest.length / 2)) : honest;
        return pageOf(known, params, fault);
    };
}

interface PageParams {
    limit: number;
    lt?: string;
}

function pageOf(known: readonly ModelTransaction[], { limit, lt }: PageParams, fault: ModelFault): HttpAnswer {
    const newestFirst = [...known].reverse();
    const start = lt === undefined ? 0 : newestFirst.findIndex(({ transaction }) => transaction.lt === BigInt(lt));
    if (start < 0) return answerOf(500, '{"ok":false,"error":"cannot find transaction","code":500}');
    const page = newestFirst.slice(start, start + limit);
    const middle = Math.floor(page.length / 2);
    if (fault === 'missing') page.splice(middle, 1);
    if (fault === 'reordered') page.reverse();
    if (fault === 'duplicated' && page.length > 0) page.splice(middle, 0, page[middle]!);
    if (fault === 'cut') page.splice(1);
    return resultOf(
        page.map(({ cell, transaction }) => ({
            data: cell.toBoc().toString('base64'),
            transaction_id: { lt: transaction.lt.toString(), hash: cell.hash().toString('base64') },
        })),
    );
}

function resultOf(result: unknown): HttpAnswer {
    return answerOf(200, JSON.stringify({ ok: true, result }));
}

function answerOf(status: number, text: string): HttpAnswer {
    return { status, text, retryAfter: null };
}
