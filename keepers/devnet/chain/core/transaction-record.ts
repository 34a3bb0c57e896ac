import { Address, Cell, type CommonMessageInfo, Dictionary, loadTransaction, type Transaction } from '@ton/core';
import { z } from 'zod';

/** One executed transaction: its bytes, and what it is found by. */
export interface TransactionRecord {
    /** Raw address. */
    account: string;
    /** Masterchain seqno of the block it belongs to. */
    seqno: number;
    timeSec: number;
    lt: bigint;
    /** Hex. */
    hash: string;
    /** created_lt of the internal message that caused it; no two messages of a network share one. */
    inMessageLt: string | null;
    outMessageLts: string[];
    /** BOC in base64. */
    boc: string;
}

const storedSchema = z.tuple([
    z.string(),
    z.number(),
    z.number(),
    z.string(),
    z.string(),
    z.string().nullable(),
    z.array(z.string()),
    z.string(),
]);

export function recordOf(transaction: Transaction, account: string, seqno: number, boc: string): TransactionRecord {
    const inInfo = transaction.inMessage?.info;
    return {
        account,
        seqno,
        timeSec: transaction.now,
        lt: transaction.lt,
        hash: transaction.hash().toString('hex'),
        inMessageLt: inInfo?.type === 'internal' ? inInfo.createdLt.toString() : null,
        outMessageLts: transaction.outMessages.values().flatMap((message) => internalLt(message.info)),
        boc,
    };
}

function internalLt(info: CommonMessageInfo): string[] {
    return info.type === 'internal' ? [info.createdLt.toString()] : [];
}

/** One line of the history file. */
export function writeRecord(record: TransactionRecord): string {
    const { account, seqno, timeSec, lt, hash, inMessageLt, outMessageLts, boc } = record;
    return JSON.stringify([account, seqno, timeSec, lt.toString(), hash, inMessageLt, outMessageLts, boc]);
}

/** @throws when the line is not what writeRecord wrote */
export function readRecord(line: string): TransactionRecord {
    const [account, seqno, timeSec, lt, hash, inMessageLt, outMessageLts, boc] = storedSchema.parse(JSON.parse(line));
    return { account, seqno, timeSec, lt: BigInt(lt), hash, inMessageLt, outMessageLts, boc };
}

export function parseRecord(record: TransactionRecord): Transaction {
    return loadTransaction(Cell.fromBase64(record.boc).beginParse());
}

/** A transaction's messages byte for byte, so that each has one hash at its sender and at its receiver. */
export function messageCells(transaction: Cell): { in: Cell | null; out: Cell[] } {
    const slice = transaction.refs[0]!.beginParse();
    const inMessage = slice.loadMaybeRef();
    return { in: inMessage, out: slice.loadDict(Dictionary.Keys.Uint(15), Dictionary.Values.Cell()).values() };
}

export function addressOf(record: TransactionRecord): Address {
    return Address.parseRaw(record.account);
}
