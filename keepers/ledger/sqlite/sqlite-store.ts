import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, type DatabaseOptions, isBusy, openDatabase, Query } from '../database';
import type { Operation } from '../dispatch/operations';
import type { Sql } from '../dispatch/sql';
import type { Committed, DispatchStore } from '../dispatch/store';
import { Checkpoints } from './checkpoints';
import { LogSync } from './log-sync';
import { rowNumbersTable } from './packed-rows';
import { SqliteLoader } from './sqlite-loader';
import { SqliteSaver } from './sqlite-saver';
import { SqliteSql } from './sqlite-sql';
import { failure, WritePipeline } from './write-pipeline';

/** How long the event loop may stand still for another process before the wait goes on beside it. */
const blockingBusyMs = 5;
/** Indexes on random keys touch many pages: those of some hundred thousand requests stay in memory. */
const writeCacheKib = 65_536;
/** Only where the thread that checkpoints does not keep up: 128 MiB of log. */
const blockingCheckpointPages = 32_768;
/** The log is synced after each commit all the same, by `LogSync`. */
const writerSettings = `PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${writeCacheKib};
    PRAGMA wal_autocheckpoint = ${blockingCheckpointPages}`;

/**
 * The dispatcher's tables in a SQLite file. Batches are written by a thread of its own (`WritePipeline`), what is rare from
 * here. Reads have a connection of their own, which sees only what is committed.
 */
export class SqliteStore implements DispatchStore {
    /** A few milliseconds: one batch is decided, one written and one synced at the same time. */
    readonly batchOperations = 64;
    readonly reads: Sql;
    private readonly writing: Database;
    private readonly reading: Database;
    private readonly sql: SqliteSql;
    private readonly begin: Query;
    private readonly end: Query;
    private readonly busyTimeoutMs: number;
    private readonly checkpoints: Checkpoints;
    private readonly log: LogSync;
    private readonly pipeline: WritePipeline;

    constructor(private readonly options: DatabaseOptions) {
        this.busyTimeoutMs = options.busyTimeoutMs ?? 5_000;
        this.writing = openDatabase(options);
        this.writing.exec(`PRAGMA busy_timeout = ${Math.min(blockingBusyMs, this.busyTimeoutMs)}`);
        this.writing.exec(writerSettings);
        this.reading = openDatabase(options);
        this.reading.exec(rowNumbersTable);
        this.checkpoints = new Checkpoints(options.file, { writerRests: () => this.pipeline.rests() });
        this.log = new LogSync(options.file);
        this.reads = new SqliteSql(this.reading, () => this.afterRead());
        this.sql = new SqliteSql(this.writing);
        this.begin = new Query(this.writing, 'BEGIN IMMEDIATE');
        this.end = new Query(this.writing, 'COMMIT');
        this.pipeline = new WritePipeline({
            file: options.file,
            setUp: `PRAGMA busy_timeout = ${this.busyTimeoutMs}; ${writerSettings}; ${rowNumbersTable}`,
            loader: new SqliteLoader(this.reading),
            saver: new SqliteSaver(this.reading),
            checkpoints: this.checkpoints,
            log: this.log,
        });
    }

    commit(operations: readonly Operation[]): Promise<Committed> {
        return this.pipeline.commit(operations);
    }

    async transaction<T>(act: (sql: Sql) => Promise<T>): Promise<T> {
        await this.pipeline.rests();
        return this.whenFree(async () => {
            this.log.requireSound();
            this.begin.run();
            try {
                const value = await act(this.sql);
                this.end.run();
                await this.log.sync();
                return value;
            } catch (error) {
                this.rollBack();
                throw error;
            }
        });
    }

    async snapshot<T>(act: (sql: Sql) => Promise<T>): Promise<T> {
        const database = openDatabase(this.options);
        try {
            database.exec('BEGIN');
            return await act(new SqliteSql(database));
        } finally {
            database.close();
        }
    }

    async nowMs(): Promise<number> {
        return Date.now();
    }

    giveBack(): void {
        this.checkpoints.empty();
    }

    async close(): Promise<void> {
        await this.pipeline.close();
        await this.checkpoints.close();
        await this.log.close();
        this.reading.close();
        this.writing.close();
    }

    /** What was read may have been committed a moment ago: it is on disk before anybody sees it. */
    private afterRead(): Promise<void> {
        return this.pipeline.isWriting ? this.log.sync() : this.log.caughtUp();
    }

    /** A failed write may have rolled the transaction back already. */
    private rollBack(): void {
        if (this.writing.isTransaction) this.writing.exec('ROLLBACK');
    }

    /** Waits for another process without holding up this one. */
    private async whenFree<T>(act: () => Promise<T>): Promise<T> {
        const untilMs = performance.now() + this.busyTimeoutMs;
        for (;;) {
            try {
                return await act();
            } catch (error) {
                if (!isBusy(error) || performance.now() >= untilMs) throw failure(error);
                await sleep(1 + Math.random() * 10);
            }
        }
    }
}
