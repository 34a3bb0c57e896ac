import type { Address } from '@ton/core';
import { ChainError } from '../errors';
import type { TransactionRecord } from './transaction-record';

export interface TransactionPage {
    /** Start at this transaction (included), given by both; newest when absent. */
    lt?: bigint;
    /** Hex. */
    hash?: string;
    /** Stop before this logical time. */
    toLt: bigint;
    limit: number;
}

/** Finds transactions by account, block and message. Lists are in the order of execution. */
export class TransactionIndex {
    private readonly byAccount = new Map<string, TransactionRecord[]>();
    private readonly byBlock = new Map<number, TransactionRecord[]>();
    private readonly byInMessage = new Map<string, TransactionRecord>();
    private readonly byOutMessage = new Map<string, TransactionRecord>();
    /** First lt of every block with transactions, ascending. */
    private readonly blockLts: { seqno: number; endLt: bigint }[] = [];
    private total = 0;

    add(record: TransactionRecord): void {
        append(this.byAccount, record.account, record);
        append(this.byBlock, record.seqno, record);
        if (record.inMessageLt !== null) this.byInMessage.set(record.inMessageLt, record);
        for (const lt of record.outMessageLts) this.byOutMessage.set(lt, record);
        const last = this.blockLts.at(-1);
        if (last?.seqno === record.seqno) last.endLt = record.lt;
        else this.blockLts.push({ seqno: record.seqno, endLt: record.lt });
        this.total += 1;
    }

    get size(): number {
        return this.total;
    }

    /** Newest first. */
    page(address: Address, page: TransactionPage): TransactionRecord[] {
        const all = this.byAccount.get(address.toRawString()) ?? [];
        const end = page.lt === undefined ? all.length : this.position(all, page.lt, page.hash) + 1;
        const start = firstAbove(all, page.toLt);
        return all.slice(Math.max(start, end - page.limit), Math.max(start, end)).reverse();
    }

    ofBlock(seqno: number): readonly TransactionRecord[] {
        return this.byBlock.get(seqno) ?? [];
    }

    /** The block whose transactions reach this logical time. */
    seqnoOfLt(lt: bigint): number | undefined {
        let [low, high] = [0, this.blockLts.length];
        while (low < high) {
            const middle = (low + high) >> 1;
            if (this.blockLts[middle]!.endLt < lt) low = middle + 1;
            else high = middle;
        }
        return this.blockLts[low]?.seqno;
    }

    causedBy(createdLt: bigint): TransactionRecord | undefined {
        return this.byInMessage.get(createdLt.toString());
    }

    senderOf(createdLt: bigint): TransactionRecord | undefined {
        return this.byOutMessage.get(createdLt.toString());
    }

    private position(all: TransactionRecord[], lt: bigint, hash: string | undefined): number {
        const position = firstAbove(all, lt) - 1;
        const record = all[position];
        if (record === undefined || record.lt !== lt || record.hash !== hash) {
            throw new ChainError('transaction_not_found', `cannot find a transaction with lt ${lt} and this hash`);
        }
        return position;
    }
}

function append<Key>(lists: Map<Key, TransactionRecord[]>, key: Key, record: TransactionRecord): void {
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [record]);
    else list.push(record);
}

/** Position of the first transaction later than `lt`. */
function firstAbove(all: TransactionRecord[], lt: bigint): number {
    let [low, high] = [0, all.length];
    while (low < high) {
        const middle = (low + high) >> 1;
        if (all[middle]!.lt <= lt) low = middle + 1;
        else high = middle;
    }
    return low;
}
