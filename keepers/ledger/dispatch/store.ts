import type { Decision, Operation } from './operations';
import type { Sql } from './sql';

export interface Committed {
    decisions: Decision[];
    /**
     * On disk when it resolves: nobody may be told of a decision before. Those before it are then on disk as well.
     * @throws LedgerError `ledger_unusable`: nobody knows what of it is on disk, and the store takes nothing more
     */
    durable: Promise<void>;
}

export interface TransactionOptions {
    /** Of maintenance: statements take as long as they need, where a database breaks off others that take too long. */
    mayTakeLong?: boolean;
}

/** A database with the dispatcher's tables. One of its acts that write runs at a time; GroupCommit sees to that. */
export interface DispatchStore {
    /** Committed rows, also of other processes; on disk when an answer resolves. */
    readonly reads: Sql;
    /** Operations that a transaction takes at most, where its owner does not say. */
    readonly batchOperations: number;
    /**
     * One transaction: loads what the operations need, decides them in order, saves, commits. The next one may begin when
     * it resolves.
     * @throws LedgerError when nothing of the batch was kept: `ledger_busy` and `ledger_write_failed` may be tried again
     */
    commit(operations: readonly Operation[]): Committed | Promise<Committed>;
    /** One transaction of its own for what is rare. Durable when it resolves. */
    transaction<T>(act: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
    /** Reads of one moment, however long they take. */
    snapshot<T>(act: (sql: Sql) => Promise<T>): Promise<T>;
    /** The database's own clock, which all that share it see alike. */
    nowMs(): Promise<number>;
    /** After much was deleted: gives back what disk it can without holding anyone up. */
    giveBack(): void;
    close(): Promise<void>;
}
