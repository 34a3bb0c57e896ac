import { Worker } from 'node:worker_threads';
import type { SqlValue } from '../database';
import { LedgerError } from '../errors';

/** A statement by its number, and its parameters. */
export type PackedChange = readonly [statement: number, values: SqlValue[]];

export interface Save {
    /** What the connection must show: nobody else has committed since that which the batch was decided on. */
    version: number;
    /** Whether to say when it has begun. */
    tell: boolean;
    changes: readonly PackedChange[];
}

/** Of the oldest save that was not answered yet. */
export interface WriterEvents {
    /** Nobody else can commit any more before it is over. */
    begun: () => void;
    committed: () => void;
    /**
     * Others have committed: nothing of it was written, later saves are void, and a transaction waits for the next one,
     * which is to be decided on what there is now.
     */
    stale: (version: number) => void;
    /** Nothing of it was kept, and later saves are void. */
    failed: (error: unknown) => void;
    /** The thread is gone. */
    ended: (error: LedgerError) => void;
}

interface Settings {
    file: string;
    setUp: string;
    statements: readonly string[];
}

/** Plain JavaScript, since a worker starts outside whatever runs our TypeScript. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { DatabaseSync } = require(workerData.driver);
const database = new DatabaseSync(workerData.file);
database.exec(workerData.setUp);
const [begin, commit, dataVersion] = ['BEGIN IMMEDIATE', 'COMMIT', 'PRAGMA data_version'].map((text) => database.prepare(text));
const statements = workerData.statements.map((text) => database.prepare(text));
const state = new Int32Array(workerData.state);
let line = 0;

function enter() {
    Atomics.store(state, 0, 1);
    return Atomics.load(state, 1) === 0;
}

function leave() {
    Atomics.store(state, 0, 0);
    Atomics.notify(state, 0);
}

function save({ version, tell, changes }) {
    if (!database.isTransaction) {
        begin.run();
        const current = Number(dataVersion.get().data_version);
        if (current !== version) {
            line += 1;
            return { is: 'stale', version: current };
        }
    }
    if (tell) parentPort.postMessage({ is: 'begun' });
    for (const [statement, values] of changes) statements[statement].run(...values);
    commit.run();
    return { is: 'committed' };
}

function rollBack() {
    if (database.isTransaction) database.exec('ROLLBACK');
}

function act(message) {
    if (message === 'close') {
        database.close();
        parentPort.close();
        return;
    }
    if (message === 'give up') return rollBack();
    if (message.line !== line) return;
    try {
        parentPort.postMessage(save(message));
    } catch (error) {
        // A failed write may have rolled the transaction back already.
        rollBack();
        line += 1;
        const { message: text, sqliteExtendedCode } = error;
        parentPort.postMessage({ is: 'failed', text, sqliteExtendedCode });
    }
}

parentPort.on('message', (message) => {
    if (enter()) act(message);
    leave();
});
leave();
`;

/** A thread that the end of the process meets within the driver aborts the process: see `enter` and `leave`. */
const states = new Set<Int32Array>();
const longestSaveMs = 1_000;

process.on('exit', () => {
    for (const state of states) {
        Atomics.store(state, 1, 1);
        Atomics.wait(state, 0, 1, longestSaveMs);
    }
});

type Answer =
    | { is: 'begun' | 'committed' }
    | { is: 'stale'; version: number }
    | { is: 'failed'; text: string; sqliteExtendedCode?: number };

/**
 * A connection on a thread of its own, so that the event loop goes on while SQLite works. Saves are transactions, done in
 * the order in which they come. The thread is started with the first.
 */
export class WriterThread {
    private worker: Worker | null = null;
    /** Saves of an older line are void: both sides begin a new one with each that was not committed. */
    private line = 0;

    constructor(
        private readonly settings: Settings,
        private readonly events: WriterEvents,
    ) {}

    save(save: Save): void {
        this.worker ??= this.start();
        this.worker.ref();
        const bytes = save.changes.flatMap(([, values]) => values.filter((value) => Buffer.isBuffer(value)));
        this.worker.postMessage(
            { ...save, line: this.line },
            bytes.map(({ buffer }) => buffer as ArrayBuffer),
        );
    }

    /** After `stale`, where there will be no next save. */
    giveUp(): void {
        this.worker?.postMessage('give up');
    }

    /** Nothing waits: the thread need not keep the process. */
    rest(): void {
        this.worker?.unref();
    }

    async close(): Promise<void> {
        const { worker } = this;
        if (!worker) return;
        this.worker = null;
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        worker.ref();
        worker.postMessage('close');
        await ended;
    }

    private start(): Worker {
        const driver = require.resolve('@photostructure/sqlite');
        const state = new Int32Array(new SharedArrayBuffer(8));
        // It begins within the driver.
        Atomics.store(state, 0, 1);
        const workerData = { driver, state: state.buffer, ...this.settings };
        const worker = new Worker(program, { eval: true, execArgv: [], workerData });
        states.add(state);
        worker.once('exit', () => states.delete(state));
        worker.on('message', (answer: Answer) => this.answered(answer));
        worker.on('error', (cause) => this.events.ended(gone(cause)));
        worker.on('exit', () => {
            if (this.worker !== worker) return;
            this.worker = null;
            this.events.ended(gone());
        });
        return worker;
    }

    private answered(answer: Answer): void {
        switch (answer.is) {
            case 'begun':
            case 'committed':
                return this.events[answer.is]();
            case 'stale':
                this.line += 1;
                return this.events.stale(answer.version);
            case 'failed': {
                this.line += 1;
                const { text, sqliteExtendedCode } = answer;
                return this.events.failed(Object.assign(new Error(text), { sqliteExtendedCode }));
            }
        }
    }
}

function gone(cause?: unknown): LedgerError {
    return new LedgerError('ledger_unusable', "The ledger's writing thread ended by itself", { cause });
}
