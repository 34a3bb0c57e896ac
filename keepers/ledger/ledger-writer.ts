import { errorMessage } from '../base';
import { type Database, isBusy, isStorageFailure, Query } from './database';
import { LedgerError } from './errors';

export interface LedgerWriterOptions {
    /** Operations in one transaction at most; more wait for the next. */
    maxBatch?: number;
    /** Operations waiting at most; more are refused with `ledger_busy`. */
    maxQueued?: number;
    /** Told how long each transaction took, its commit included, and how many operations it had. */
    onCommit?: (tookMs: number, operations: number) => void;
    /** Told of every transaction that failed as a whole. */
    onCommitFailure?: (error: unknown) => void;
}

interface Pending {
    run: () => unknown;
    resolve: (value: unknown) => void;
    reject: (error: unknown) => void;
}

type Outcome = { value: unknown } | { error: unknown };

/**
 * Group commit. Operations submitted in the same turn of the event loop share one transaction and one fsync; a promise
 * resolves only after the commit. Every operation runs in its own savepoint, so a refused one leaves its neighbours alone.
 */
export class LedgerWriter {
    private queue: Pending[] = [];
    private scheduled = false;
    private closed = false;
    private readonly maxBatch: number;
    private readonly maxQueued: number;
    private readonly begin: Query;
    private readonly commit: Query;
    private readonly savepoint: Query;
    private readonly release: Query;
    private readonly rollbackTo: Query;

    constructor(
        private readonly database: Database,
        private readonly options: LedgerWriterOptions = {},
    ) {
        this.maxBatch = options.maxBatch ?? 512;
        this.maxQueued = options.maxQueued ?? 50_000;
        this.begin = new Query(database, 'BEGIN IMMEDIATE');
        this.commit = new Query(database, 'COMMIT');
        this.savepoint = new Query(database, 'SAVEPOINT operation');
        this.release = new Query(database, 'RELEASE operation');
        this.rollbackTo = new Query(database, 'ROLLBACK TO operation');
    }

    /** `operation` must be synchronous and touch nothing but the database. */
    submit<T>(operation: () => T): Promise<T> {
        if (this.closed) return Promise.reject(new LedgerError('ledger_closed', 'The ledger is closed'));
        if (this.queue.length >= this.maxQueued) {
            return Promise.reject(new LedgerError('ledger_busy', 'Too many ledger operations wait: try again'));
        }
        return new Promise<T>((resolve, reject) => {
            this.queue.push({ run: operation, resolve: resolve as (value: unknown) => void, reject });
            this.schedule();
        });
    }

    /** Commits what waits, then refuses more. */
    close(): void {
        while (this.queue.length > 0) this.flush();
        this.closed = true;
    }

    private schedule(): void {
        if (this.scheduled) return;
        this.scheduled = true;
        setImmediate(() => {
            this.scheduled = false;
            this.flush();
            if (this.queue.length > 0) this.schedule();
        });
    }

    private flush(): void {
        const batch = this.queue.splice(0, this.maxBatch);
        if (batch.length === 0) return;
        let outcomes: Outcome[];
        const startedMs = performance.now();
        try {
            outcomes = this.runBatch(batch);
            this.options.onCommit?.(performance.now() - startedMs, batch.length);
        } catch (error) {
            this.options.onCommitFailure?.(error);
            for (const pending of batch) pending.reject(error);
            return;
        }
        batch.forEach((pending, i) => {
            const outcome = outcomes[i]!;
            if ('error' in outcome) pending.reject(outcome.error);
            else pending.resolve(outcome.value);
        });
    }

    private runBatch(batch: Pending[]): Outcome[] {
        try {
            this.begin.run();
            const outcomes = batch.map((pending) => this.runOne(pending));
            this.commit.run();
            return outcomes;
        } catch (error) {
            // A failed write may have rolled the transaction back already.
            if (this.database.isTransaction) this.database.exec('ROLLBACK');
            throw batchError(error);
        }
    }

    private runOne(pending: Pending): Outcome {
        this.savepoint.run();
        try {
            const value = pending.run();
            this.release.run();
            return { value };
        } catch (error) {
            // Disk full or an I/O error is no fault of this operation, and may have ended the whole transaction: then
            // nothing of the batch may be acknowledged.
            if (isStorageFailure(error) || !this.database.isTransaction) throw error;
            this.rollbackTo.run();
            this.release.run();
            return { error };
        }
    }
}

function batchError(error: unknown): LedgerError {
    if (isBusy(error)) return new LedgerError('ledger_busy', 'Another process holds the ledger', { cause: error });
    return new LedgerError('ledger_write_failed', `The ledger could not commit: ${errorMessage(error)}`, {
        cause: error,
    });
}
