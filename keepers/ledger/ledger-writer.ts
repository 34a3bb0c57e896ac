import { errorMessage } from '../base';
import { type Database, isBusy, isStorageFailure, Query } from './database';
import { LedgerError } from './errors';
import type { LogSync } from './sqlite/log-sync';

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

/** What makes a commit durable, where SQLite does not sync it itself. */
type DurableLog = Pick<LogSync, 'requireSound' | 'sync' | 'closeNow'>;

interface Pending {
    run: () => unknown;
    resolve: (value: unknown) => void;
    reject: (error: unknown) => void;
}

type Outcome = { value: unknown } | { error: unknown };

/**
 * Group commit. Operations submitted in the same turn of the event loop share one transaction and one sync, and so do those
 * that come while one before is synced; a promise resolves only once its commit is on disk. Of several each runs in its own
 * savepoint, so a refused one leaves its neighbours alone.
 */
export class LedgerWriter {
    private queue: Pending[] = [];
    private scheduled = false;
    private syncing = false;
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
        private readonly log?: DurableLog,
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
        this.log?.closeNow();
    }

    private schedule(): void {
        if (this.scheduled || this.syncing || this.queue.length === 0) return;
        this.scheduled = true;
        setImmediate(() => {
            this.scheduled = false;
            this.flush();
            this.schedule();
        });
    }

    private flush(): void {
        const batch = this.queue.splice(0, this.maxBatch);
        if (batch.length === 0) return;
        const startedMs = performance.now();
        try {
            this.log?.requireSound();
            const outcomes = this.runBatch(batch);
            const settle = () => this.settle(batch, outcomes, startedMs);
            if (this.log === undefined) settle();
            else this.whenSynced(this.log.sync(), settle, batch);
        } catch (error) {
            this.refuse(batch, error);
        }
    }

    private whenSynced(synced: Promise<void>, settle: () => void, batch: readonly Pending[]): void {
        this.syncing = true;
        synced
            .then(settle, (error: unknown) => this.refuse(batch, error))
            .finally(() => {
                this.syncing = false;
                this.schedule();
            });
    }

    private settle(batch: readonly Pending[], outcomes: readonly Outcome[], startedMs: number): void {
        this.options.onCommit?.(performance.now() - startedMs, batch.length);
        batch.forEach((pending, i) => {
            const outcome = outcomes[i]!;
            if ('error' in outcome) pending.reject(outcome.error);
            else pending.resolve(outcome.value);
        });
    }

    private refuse(batch: readonly Pending[], error: unknown): void {
        this.options.onCommitFailure?.(error);
        for (const pending of batch) pending.reject(error);
    }

    private runBatch(batch: readonly Pending[]): Outcome[] {
        try {
            this.begin.run();
            const outcomes = batch.length === 1 ? [this.runAlone(batch[0]!)] : batch.map((one) => this.runOne(one));
            if (this.database.isTransaction) this.commit.run();
            return outcomes;
        } catch (error) {
            // A failed write may have rolled the transaction back already.
            if (this.database.isTransaction) this.database.exec('ROLLBACK');
            throw batchError(error);
        }
    }

    /** The transaction is its own savepoint. */
    private runAlone(pending: Pending): Outcome {
        try {
            return { value: pending.run() };
        } catch (error) {
            if (isStorageFailure(error) || !this.database.isTransaction) throw error;
            this.database.exec('ROLLBACK');
            return { error };
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
