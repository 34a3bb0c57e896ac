import { Worker } from 'node:worker_threads';

const defaults = {
    /** 16 MiB of log at most. */
    pagesBetween: 4_096,
    /** 256 MiB: time that the log begins anew. */
    longLogPages: 65_536,
    /** It does so at 16 MiB where that is the work of so many commits: of them one waits. */
    shortLogPages: 4_096,
    shortLogCommits: 1_500,
};
/** A commit writes so many whatever it says. */
const pagesOfCommit = 8;
/** A checkpoint that took no longer had little to move, or one that took nearly as long as that before it. */
const shortMs = 8;
const nearlyAsLong = 0.7;

/** Plain JavaScript, since a worker starts outside whatever runs our TypeScript. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { DatabaseSync } = require(workerData.driver);
const database = new DatabaseSync(workerData.file);
// Writers are kept out while a checkpoint waits for a reader: not for long.
database.exec('PRAGMA busy_timeout = 50; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0');
parentPort.on('message', (message) => {
    if (message === 'close') {
        database.close();
        parentPort.close();
        return;
    }
    const startedMs = performance.now();
    let pages = 0;
    try {
        pages = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get().log;
        // What came meanwhile is little: writers, those of other processes as well, hardly wait.
        if (message !== 'PASSIVE') pages = database.prepare('PRAGMA wal_checkpoint(' + message + ')').get().log;
    } catch {
        // The writer checkpoints by itself once the log is large.
    }
    parentPort.postMessage({ pages, tookMs: performance.now() - startedMs });
});
`;

interface Checkpoint {
    /** Length of the log. */
    pages: number;
    tookMs: number;
}

/**
 * Moves what SQLite's log holds into the file on another thread: a checkpoint takes longer than a commit may, and it
 * needs no lock that a writer wants. The thread is started when there is enough to move for the first time.
 *
 * The log begins anew only when a writer finds all of it moved, and one that never rests never does. So a long log is
 * moved again and again, each time what was written meanwhile, until that is little; for that last bit the writer waits.
 */
export class Checkpoints {
    private worker: Worker | null = null;
    private readonly limits: typeof defaults;
    private running = false;
    /** Written since the last checkpoint began. */
    private pages = 0;
    private pagesAtPause = 0;
    private commitsSincePause = 0;
    private pause: { over: Promise<void>; end: () => void } | null = null;
    private lastMs = Infinity;

    constructor(
        private readonly file: string,
        limits: Partial<typeof defaults> = {},
    ) {
        this.limits = { ...defaults, ...limits };
    }

    /** Tells of a commit, and of the pages that it may have written beyond those that any writes. */
    written(pagesMore: number): void {
        this.pages += pagesOfCommit + pagesMore;
        this.commitsSincePause += 1;
        if (this.pages < this.limits.pagesBetween || this.running) return;
        this.lastMs = Infinity;
        this.begin('PASSIVE');
    }

    get isRunning(): boolean {
        return this.running;
    }

    /** To be awaited before the next commit. */
    get writerWaits(): Promise<void> | null {
        return this.pause?.over ?? null;
    }

    /** Soon the log takes no room on the disk any more, until something is written. */
    empty(): void {
        if (!this.running) this.begin('TRUNCATE');
    }

    async close(): Promise<void> {
        const { worker } = this;
        if (!worker) return;
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        worker.ref();
        worker.postMessage('close');
        await ended;
    }

    /** Without a thread the writer checkpoints by itself once the log is large, and the next begin tries again. */
    private begin(how: 'PASSIVE' | 'RESTART' | 'TRUNCATE'): void {
        this.pages = 0;
        try {
            this.worker ??= this.start();
        } catch {
            return this.endPause();
        }
        this.running = true;
        // A writer may wait for it with nothing else to keep the process, whose end would kill the thread within the driver.
        this.worker.ref();
        this.worker.postMessage(how);
    }

    private ended({ pages, tookMs }: Checkpoint): void {
        this.running = false;
        this.worker?.unref();
        if (this.pause) return this.endPause();
        if (pages < this.pagesAtPause) this.pagesAtPause = 0;
        const { longLogPages, shortLogPages, shortLogCommits } = this.limits;
        const most = this.commitsSincePause < shortLogCommits ? longLogPages : shortLogPages;
        // After a pause that did not help, since somebody reads an old state for long, the log may grow by as much again.
        if (pages < this.pagesAtPause + most) return;
        const isShort = tookMs <= shortMs || tookMs > nearlyAsLong * this.lastMs;
        this.lastMs = tookMs;
        if (isShort) this.startPause(pages);
        this.begin(isShort ? 'RESTART' : 'PASSIVE');
    }

    private startPause(pages: number): void {
        let end = (): void => undefined;
        const over = new Promise<void>((resolve) => (end = resolve));
        this.pause = { over, end };
        this.pagesAtPause = pages;
        this.commitsSincePause = 0;
    }

    private endPause(): void {
        this.pause?.end();
        this.pause = null;
    }

    private start(): Worker {
        const driver = require.resolve('@photostructure/sqlite');
        const worker = new Worker(program, { eval: true, workerData: { driver, file: this.file } });
        worker.on('message', (checkpoint: Checkpoint) => this.ended(checkpoint));
        worker.on('error', () => this.lose());
        worker.unref();
        return worker;
    }

    private lose(): void {
        this.worker = null;
        this.running = false;
        this.endPause();
    }
}
