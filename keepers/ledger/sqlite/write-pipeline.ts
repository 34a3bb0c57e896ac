import { errorMessage } from '../../base';
import { isBusy } from '../database';
import { announce, type Decision, type Operation } from '../dispatch/operations';
import { KnownRows } from '../dispatch/known-rows';
import { decide } from '../dispatch/rules';
import { WorkingSet } from '../dispatch/working-set';
import { LedgerError } from '../errors';
import type { Checkpoints } from './checkpoints';
import type { LogSync } from './log-sync';
import type { SqliteLoader } from './sqlite-loader';
import type { SqliteSaver } from './sqlite-saver';
import { WriterThread } from './writer-thread';

/** One is written while the next one is decided. */
const mostUnderWay = 2;

interface Batch {
    operations: readonly Operation[];
    decisions: Decision[];
    set: WorkingSet | null;
    resolve: (decisions: Decision[]) => void;
    reject: (error: unknown) => void;
}

interface Parts {
    file: string;
    setUp: string;
    loader: SqliteLoader;
    saver: SqliteSaver;
    checkpoints: Checkpoints;
    log: LogSync;
}

/**
 * Batches on their way into the file: decided here, written by a thread of its own. A batch is decided on rows in memory,
 * as those before it leave them, before these are committed, and on rows that none of those changes, read from the file.
 * The thread writes it only if nobody else has committed since; else all that are under way are decided again, the first
 * of them while the thread keeps others from committing.
 */
export class WritePipeline {
    private readonly rows = new KnownRows();
    private readonly thread: WriterThread;
    /** To be decided. */
    private waiting: Batch[] = [];
    /** Decided, and with the thread. */
    private sent: Batch[] = [];
    private version = -1;
    /** The thread has a transaction open for the first batch that comes. */
    private held = false;
    /** Before the next batch, but after those under way: memory differs from the file. */
    private mustForget = false;
    private watchers: { reached: () => boolean; resolve: () => void }[] = [];
    private failure: LedgerError | null = null;

    constructor(private readonly parts: Parts) {
        const { file, setUp, saver } = parts;
        this.thread = new WriterThread(
            { file, setUp, statements: saver.statements },
            {
                begun: () => announce(this.sent[0]!.operations, this.sent[0]!.decisions),
                committed: () => this.committed(),
                stale: (version) => this.stale(version),
                failed: (error) => this.failed(error),
                ended: (error) => this.ended(error),
            },
        );
    }

    /** Resolves when another batch may come. */
    async commit(operations: readonly Operation[]): Promise<{ durable: Promise<Decision[]> }> {
        const durable = new Promise<Decision[]>((resolve, reject) => {
            this.waiting.push({ operations, decisions: [], set: null, resolve, reject });
        });
        // Whoever awaits it does so later.
        durable.catch(() => undefined);
        this.go();
        await this.until(() => this.waiting.length === 0 && this.sent.length < mostUnderWay);
        return { durable };
    }

    /** Whether commits may be in the file that were not heard of yet. */
    get isWriting(): boolean {
        return this.sent.length > 0;
    }

    /** Nothing is being written. */
    rests(): Promise<void> {
        return this.until(() => this.sent.length === 0);
    }

    close(): Promise<void> {
        return this.thread.close();
    }

    private go(): void {
        const { writerWaits } = this.parts.checkpoints;
        if (writerWaits) void writerWaits.then(() => this.go());
        else while (this.nextMayBegin()) this.begin(this.waiting.shift()!);
        if (!this.isWriting && !this.held) this.thread.rest();
        this.watchers = this.watchers.filter(({ reached, resolve }) => !reached() || resolve());
    }

    private nextMayBegin(): boolean {
        const next = this.waiting[0];
        if (!next || this.sent.length >= mostUnderWay) return false;
        if (this.sent.length === 0) return true;
        return (
            !this.mustForget &&
            !this.rows.areMany &&
            !next.operations.some((operation) => this.readsWhatIsWritten(operation))
        );
    }

    /** Its loading asks the file for rows that a batch under way may have changed. */
    private readsWhatIsWritten(operation: Operation): boolean {
        if (operation.kind === 'lose' || operation.kind === 'release') return true;
        if (operation.kind !== 'receipt') return false;
        const { escrow, epoch, receipt } = operation.record;
        const stream = this.rows.stream({ escrow, epoch, nodeKey: receipt.nodeKey });
        return stream !== undefined && receipt.sequence <= stream.latestSequence;
    }

    private begin(batch: Batch): void {
        try {
            if (this.failure) throw this.failure;
            this.parts.log.requireSound();
            if (this.mustForget || this.rows.areMany) this.forget();
            const { set, changes } = this.decide(batch);
            this.thread.save({ version: this.version, tell: batch.operations.some(wantsToKnow), changes });
            this.held = false;
            set.handedOver();
            batch.set = set;
            this.sent.push(batch);
        } catch (error) {
            if (this.held) this.thread.giveUp();
            this.held = false;
            this.mustForget = true;
            batch.reject(failure(error));
        }
    }

    private decide(batch: Batch) {
        const { loader, saver } = this.parts;
        const set = new WorkingSet(this.rows);
        loader.load(set, batch.operations);
        batch.decisions = batch.operations.map((operation) => decide(set, operation));
        return { set, changes: saver.changesIn(set) };
    }

    private committed(): void {
        const { operations, decisions, set, resolve, reject } = this.sent.shift()!;
        set!.committed();
        this.parts.checkpoints.written(operations.length);
        this.parts.log.sync().then(() => resolve(decisions), reject);
        this.go();
    }

    private stale(version: number): void {
        this.version = version;
        this.held = true;
        this.startOver();
    }

    private failed(error: unknown): void {
        this.sent.shift()!.reject(failure(error));
        this.startOver();
    }

    /** Decides again what is under way. */
    private startOver(): void {
        this.waiting.unshift(...this.sent);
        this.sent = [];
        this.forget();
        this.go();
    }

    private forget(): void {
        this.rows.forget();
        this.mustForget = false;
    }

    private ended(error: LedgerError): void {
        this.failure ??= error;
        for (const { reject } of [...this.sent, ...this.waiting]) reject(error);
        [this.sent, this.waiting] = [[], []];
        this.go();
    }

    private until(reached: () => boolean): Promise<void> {
        if (reached()) return Promise.resolve();
        return new Promise((resolve) => this.watchers.push({ reached, resolve }));
    }
}

function wantsToKnow(operation: Operation): boolean {
    return operation.kind === 'cap' && operation.onAccepted !== undefined;
}

export function failure(error: unknown): unknown {
    if (error instanceof LedgerError) return error;
    if (isBusy(error)) return new LedgerError('ledger_busy', 'Another process holds the ledger', { cause: error });
    return new LedgerError('ledger_write_failed', `The ledger could not commit: ${errorMessage(error)}`, {
        cause: error,
    });
}
