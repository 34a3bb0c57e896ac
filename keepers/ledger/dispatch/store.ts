import type { Decision, Operation } from './operations';
import type { Sql } from './sql';

/** A database with the dispatcher's tables. One of its acts that write runs at a time; GroupCommit sees to that. */
export interface DispatchStore {
    /** Committed rows, also of other processes. */
    readonly reads: Sql;
    /**
     * One transaction: loads what the operations need, decides them in order, saves, commits. Durable when it resolves.
     * @throws LedgerError when nothing of the batch was kept: `ledger_busy` and `ledger_write_failed` may be tried again
     */
    commit(operations: readonly Operation[]): Decision[] | Promise<Decision[]>;
    /** One transaction of its own for what is rare. */
    transaction<T>(act: (sql: Sql) => Promise<T>): Promise<T>;
    /** Reads of one moment, however long they take. */
    snapshot<T>(act: (sql: Sql) => Promise<T>): Promise<T>;
    /** The database's own clock, which all that share it see alike. */
    nowMs(): Promise<number>;
    close(): Promise<void>;
}
