import fs from 'node:fs';
import { errorMessage } from '../../base';
import { LedgerError } from '../errors';

/**
 * Syncs SQLite's log to the disk on another thread, which is the long part of a commit with `synchronous=FULL`: with
 * `NORMAL` SQLite leaves out that one call, and everything else is the same. One sync runs at a time; the next is for all
 * who ask meanwhile.
 */
export class LogSync {
    private readonly descriptor: number;
    private running: Pending | null = null;
    private next: Pending | null = null;
    private failure: LedgerError | null = null;
    private closed = false;

    /** SQLite keeps the log as long as a connection is open, and holds no lock in it that closing this would release. */
    constructor(file: string) {
        this.descriptor = fs.openSync(`${file}-wal`, 'r+');
    }

    /** @throws LedgerError `ledger_unusable` once a sync has failed */
    requireSound(): void {
        if (this.failure) throw this.failure;
    }

    /** What was written to the log before this call is on disk when it resolves. */
    sync(): Promise<void> {
        if (this.failure) return Promise.reject(this.failure);
        if (!this.running) return this.start(pending()).promise;
        this.next ??= pending();
        return this.next.promise;
    }

    /** Resolves when everything is on disk for which a sync was asked. */
    async caughtUp(): Promise<void> {
        this.requireSound();
        await (this.next ?? this.running)?.promise;
    }

    async close(): Promise<void> {
        await this.caughtUp().catch(() => undefined);
        fs.closeSync(this.descriptor);
    }

    /** Whoever waits is told of a last sync, which holds this thread up. */
    closeNow(): void {
        if (this.closed) return;
        this.closed = true;
        const { running, next } = this;
        try {
            this.requireSound();
            fs.fdatasyncSync(this.descriptor);
            for (const waiting of [running, next]) waiting?.resolve();
        } catch (error) {
            for (const waiting of [running, next]) waiting?.reject(lost(error));
        }
        // A thread that still syncs must not find another file under this number.
        if (!running) fs.closeSync(this.descriptor);
    }

    private start(sync: Pending): Pending {
        this.running = sync;
        fs.fdatasync(this.descriptor, (error) => this.ended(sync, error));
        return sync;
    }

    private ended(sync: Pending, error: Error | null): void {
        if (this.closed) return fs.closeSync(this.descriptor);
        const { next } = this;
        [this.running, this.next] = [null, null];
        if (error) {
            this.failure = lost(error);
            for (const waiting of [sync, next]) waiting?.reject(this.failure);
            return;
        }
        if (next) this.start(next);
        sync.resolve();
    }
}

interface Pending {
    promise: Promise<void>;
    resolve: () => void;
    reject: (error: unknown) => void;
}

function pending(): Pending {
    let [resolve, reject]: [() => void, (error: unknown) => void] = [() => undefined, () => undefined];
    const promise = new Promise<void>((...of) => ([resolve, reject] = of));
    return { promise, resolve, reject };
}

/** The system may have dropped what it could not write: a second sync that succeeds would prove nothing. */
function lost(cause: unknown): LedgerError {
    const message = `The ledger's log could not be synced, so what of it is on disk is unknown: ${errorMessage(cause)}`;
    return new LedgerError('ledger_unusable', message, { cause });
}
