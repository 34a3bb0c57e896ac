import { Worker } from 'node:worker_threads';

/** About 8 MiB of log. */
const operationsBetween = 4_000;

/** Plain JavaScript, since a worker starts outside whatever runs our TypeScript. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { DatabaseSync } = require(workerData.driver);
const database = new DatabaseSync(workerData.file);
database.exec('PRAGMA busy_timeout = 1000; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0');
parentPort.on('message', (message) => {
    if (message === 'close') {
        database.close();
        parentPort.close();
        return;
    }
    try {
        database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
        // The writer checkpoints by itself once the log is large.
    }
    parentPort.postMessage('done');
});
`;

/**
 * Moves what SQLite's log holds into the file on another thread: a checkpoint takes longer than a commit may, and it
 * needs no lock that a writer wants. The thread is started when there is enough to move for the first time.
 */
export class Checkpoints {
    private worker: Worker | null = null;
    private running = false;
    private operations = 0;

    constructor(private readonly file: string) {}

    /** Tells how much was committed. */
    written(operations: number): void {
        this.operations += operations;
        if (this.operations < operationsBetween || this.running) return;
        this.operations = 0;
        this.running = true;
        this.worker ??= this.start();
        this.worker.postMessage('checkpoint');
    }

    async close(): Promise<void> {
        const { worker } = this;
        if (!worker) return;
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        worker.ref();
        worker.postMessage('close');
        await ended;
    }

    private start(): Worker {
        const driver = require.resolve('@photostructure/sqlite');
        const worker = new Worker(program, { eval: true, workerData: { driver, file: this.file } });
        worker.on('message', () => (this.running = false));
        // Without the thread the writer checkpoints by itself.
        worker.on('error', () => undefined);
        worker.unref();
        return worker;
    }
}
