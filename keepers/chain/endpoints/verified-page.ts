import { type Address, loadTransaction, type Cell, type Transaction } from '@ton/core';
import { ChainError } from '../errors';
import { decodeAnswer } from './parse-answer';
import type { PageQuery } from './endpoint-api';

export interface PageAnswer {
    method: string;
    address: Address;
    /** Newest first, with `before` or `from` itself at the head where there is one. */
    cells: readonly Cell[];
    query: PageQuery;
}

/**
 * Transactions out of their bytes. Every one names its predecessor by hash, so nothing can be left out, put in or moved
 * between two of a page.
 * @throws ChainError `rpc_inconsistent`
 */
export function verifiedPage({ method, address, cells, query }: PageAnswer): Transaction[] {
    const transactions = cells.map((cell) => decodeAnswer(method, () => loadTransaction(cell.beginParse())));
    const account = BigInt(`0x${address.hash.toString('hex')}`);
    if (transactions.some((transaction) => transaction.address !== account)) throw broken(method, 'of another account');
    for (let i = 1; i < transactions.length; i++) {
        if (!follows(transactions[i - 1]!, transactions[i]!)) throw broken(method, 'that do not follow each other');
    }
    const { before, from, limit } = query;
    const start = before ?? from;
    const first = transactions[0];
    if (start !== undefined && first?.hash().equals(start.hash) !== true) throw broken(method, 'from another place');
    return before === undefined ? transactions.slice(0, limit) : transactions.slice(1, limit + 1);
}

/** Whether `older` is what `newer` names as its predecessor. */
export function follows(newer: Transaction, older: Transaction): boolean {
    return newer.prevTransactionLt === older.lt && hashOf(newer.prevTransactionHash).equals(older.hash());
}

export function hashOf(hash: bigint): Buffer {
    return Buffer.from(hash.toString(16).padStart(64, '0'), 'hex');
}

function broken(method: string, what: string): ChainError {
    return new ChainError('rpc_inconsistent', `The endpoint answered ${method} with transactions ${what}`, {
        context: { method },
    });
}
