import { LedgerError } from '../errors';
import { deferred, type Decision, type Operation, type Outcome, standsAlone } from './operations';
import type { Sql } from './sql';
import type { DispatchStore, TransactionOptions } from './store';

export interface GroupCommitOptions {
    /** Operations in one transaction at most; more wait for the next. 1: each has a transaction and a sync of its own. */
    maxBatch?: number;
    /** Operations waiting at most; more are refused with `ledger_busy`. */
    maxQueued?: number;
    /** Told how long each transaction took, its commit included, and how many operations it had. */
    onCommit?: (tookMs: number, operations: number) => void;
    /** Told of every transaction that failed as a whole. */
    onCommitFailure?: (error: unknown) => void;
}

interface Waiting {
    work: Operation | ((sql: Sql) => Promise<unknown>);
    options?: TransactionOptions | undefined;
    resolve: (value: unknown) => void;
    reject: (error: unknown) => void;
}

interface Decided {
    waiting: Waiting;
    outcome: Outcome;
}

/**
 * Group commit. What is submitted while a transaction runs, or in the same turn of the event loop, shares the next
 * transaction and its one sync to disk; a promise settles only once its transaction is on disk. Meanwhile the next
 * transaction may be under way.
 */
export class GroupCommit {
    private queue: Waiting[] = [];
    private running: Promise<void> | null = null;
    private readonly becomingDurable = new Set<Promise<void>>();
    private closed = false;
    private readonly maxBatch: number;
    private readonly maxQueued: number;

    constructor(
        private readonly store: DispatchStore,
        private readonly options: GroupCommitOptions = {},
    ) {
        this.maxBatch = options.maxBatch ?? store.batchOperations;
        this.maxQueued = options.maxQueued ?? 50_000;
    }

    submit<T>(operation: Operation): Promise<T> {
        return this.enqueue<T>(operation);
    }

    /** A transaction of its own, in its turn. */
    alone<T>(act: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T> {
        return this.enqueue<T>(act, options);
    }

    /** Commits what waits, then refuses more. */
    async close(): Promise<void> {
        this.closed = true;
        while (this.running) await this.running;
        await Promise.all(this.becomingDurable);
    }

    private enqueue<T>(work: Waiting['work'], options?: TransactionOptions): Promise<T> {
        if (this.closed) return Promise.reject(new LedgerError('ledger_closed', 'The ledger is closed'));
        if (this.queue.length >= this.maxQueued)
            return Promise.reject(new LedgerError('ledger_busy', 'Too many ledger operations wait: try again'));
        return new Promise<T>((resolve, reject) => {
            this.queue.push({ work, options, resolve: resolve as (value: unknown) => void, reject });
            this.running ??= this.run();
        });
    }

    private async run(): Promise<void> {
        while (this.queue.length > 0) {
            // Others of this turn of the event loop come along.
            await new Promise((resolve) => setImmediate(resolve));
            await this.next();
        }
        this.running = null;
    }

    private async next(): Promise<void> {
        const first = this.queue[0]!.work;
        if (typeof first === 'function') return this.runAlone(this.queue.shift()!, first);
        const batch = this.queue.splice(0, this.batchLength());
        const startedMs = performance.now();
        try {
            const operations = batch.map(({ work }) => work as Operation);
            const { decisions, durable } = await this.store.commit(operations);
            const decided = this.putOff(batch, decisions);
            const settled = this.settleWhen(durable, decided, () =>
                this.options.onCommit?.(performance.now() - startedMs, operations.length),
            );
            if (this.maxBatch === 1) await settled;
        } catch (error) {
            this.fail(batch, error);
        }
    }

    private settleWhen(durable: Promise<void>, decided: readonly Decided[], onCommit: () => void): Promise<void> {
        const settled = durable.then(
            () => {
                onCommit();
                for (const { waiting, outcome } of decided)
                    if ('error' in outcome) waiting.reject(outcome.error);
                    else waiting.resolve(outcome.value);
            },
            (error: unknown) =>
                this.fail(
                    decided.map(({ waiting }) => waiting),
                    error,
                ),
        );
        this.becomingDurable.add(settled);
        void settled.finally(() => this.becomingDurable.delete(settled));
        return settled;
    }

    private fail(batch: readonly Waiting[], error: unknown): void {
        this.options.onCommitFailure?.(error);
        for (const { reject } of batch) reject(error);
    }

    private async runAlone({ resolve, reject, options }: Waiting, act: (sql: Sql) => Promise<unknown>): Promise<void> {
        try {
            resolve(await this.store.transaction(act, options));
        } catch (error) {
            reject(error);
        }
    }

    /** Up to the first that must be alone. */
    private batchLength(): number {
        const most = Math.min(this.queue.length, this.maxBatch);
        for (let i = 0; i < most; i++) {
            const { work } = this.queue[i]!;
            if (typeof work === 'function' || standsAlone(work)) return Math.max(i, 1);
        }
        return most;
    }

    /** Those to be decided in the next batch come first there; returns the others. */
    private putOff(batch: readonly Waiting[], decisions: readonly Decision[]): Decided[] {
        const again: Waiting[] = [];
        const decided: Decided[] = [];
        batch.forEach((waiting, i) => {
            const outcome = decisions[i]!;
            if (outcome === deferred) again.push(waiting);
            else decided.push({ waiting, outcome });
        });
        this.queue.unshift(...again);
        return decided;
    }
}
