import { closeSync, existsSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { readRecord, type TransactionRecord, writeRecord } from '../core/transaction-record';
import { ChainError } from '../errors';

/** Append-only file of executed transactions, one a line; extended whenever a snapshot is taken. */
export class HistoryFile {
    private constructor(
        private readonly file: number,
        private bytes: number,
    ) {}

    /** What lies behind `validBytes` was written by a snapshot that did not finish, and is replayed from the journal. */
    static open(path: string, validBytes: number): { history: HistoryFile; records: TransactionRecord[] } {
        const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
        if (content.length < validBytes) throw new ChainError('state_corrupt', `${path} is shorter than it was`);
        const records = readRecords(content.subarray(0, validBytes).toString('utf8'), path);
        const file = openSync(path, 'a', 0o600);
        ftruncateSync(file, validBytes);
        return { history: new HistoryFile(file, validBytes), records };
    }

    get length(): number {
        return this.bytes;
    }

    append(records: TransactionRecord[]): void {
        const content = Buffer.from(records.map((record) => `${writeRecord(record)}\n`).join(''));
        for (let written = 0; written < content.length;) written += writeSync(this.file, content, written);
        fdatasyncSync(this.file);
        this.bytes += content.length;
    }

    /** Takes back what a snapshot that failed had appended. */
    truncate(length: number): void {
        ftruncateSync(this.file, length);
        this.bytes = length;
    }

    close(): void {
        closeSync(this.file);
    }
}

function readRecords(content: string, path: string): TransactionRecord[] {
    try {
        return content.split('\n').slice(0, -1).map(readRecord);
    } catch (error) {
        throw new ChainError('state_corrupt', `${path} is damaged`, error);
    }
}
