import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../../base';
import { type Database, type DatabaseOptions, isBusy, openDatabase, Query } from '../database';
import { announce, type Decision, type Operation } from '../dispatch/operations';
import { KnownRows } from '../dispatch/known-rows';
import { decide } from '../dispatch/rules';
import type { Sql } from '../dispatch/sql';
import type { Committed, DispatchStore } from '../dispatch/store';
import { WorkingSet } from '../dispatch/working-set';
import { LedgerError } from '../errors';
import { Checkpoints } from './checkpoints';
import { LogSync } from './log-sync';
import { rowNumbersTable } from './packed-rows';
import { SqliteLoader } from './sqlite-loader';
import { SqliteSaver } from './sqlite-saver';
import { SqliteSql } from './sqlite-sql';

/** How long the event loop may stand still for another process before the wait goes on beside it. */
const blockingBusyMs = 5;
/** The pages in use stay near the processor: with 64 MiB, of which most is seldom read again, a charge takes a fifth longer. */
const writeCacheKib = 4_096;
/** At most: of a row and of its indexes. */
const pagesOfRow = 4;
/** Only where the thread that checkpoints does not keep up: 512 MiB of log. */
const blockingCheckpointPages = 131_072;

/**
 * The dispatcher's tables in a SQLite file. Reads have a connection of their own, which sees only what is committed.
 * Rows are remembered from batch to batch for as long as no other connection has committed anything: settlers and other
 * dispatchers write to the file as well.
 */
export class SqliteStore implements DispatchStore {
    /** A few milliseconds: the next batch is written while this one is synced. */
    readonly batchOperations = 64;
    readonly reads: Sql;
    private readonly writing: Database;
    private readonly reading: Database;
    private readonly sql: SqliteSql;
    private readonly begin: Query;
    private readonly end: Query;
    private readonly loader: SqliteLoader;
    private readonly saver: SqliteSaver;
    private readonly busyTimeoutMs: number;
    private readonly checkpoints: Checkpoints;
    private readonly log: LogSync;
    private readonly rows = new KnownRows();
    private readonly dataVersion: Query<{ data_version: bigint }>;
    private readonly changes: Query<{ rows: bigint }>;
    private knownVersion = -1n;

    constructor(private readonly options: DatabaseOptions) {
        this.busyTimeoutMs = options.busyTimeoutMs ?? 5_000;
        this.writing = openDatabase(options);
        this.writing.exec(`PRAGMA busy_timeout = ${Math.min(blockingBusyMs, this.busyTimeoutMs)}`);
        // The log is synced after each commit all the same, by `LogSync`.
        this.writing.exec('PRAGMA synchronous = NORMAL');
        this.writing.exec(
            `PRAGMA cache_size = -${writeCacheKib}; PRAGMA wal_autocheckpoint = ${blockingCheckpointPages}`,
        );
        this.writing.exec(rowNumbersTable);
        this.moveOldLog();
        this.checkpoints = new Checkpoints(options.file);
        this.reading = openDatabase(options);
        this.log = new LogSync(options.file);
        this.reads = new SqliteSql(this.reading, () => this.log.caughtUp());
        this.sql = new SqliteSql(this.writing);
        this.begin = new Query(this.writing, 'BEGIN IMMEDIATE');
        this.end = new Query(this.writing, 'COMMIT');
        this.dataVersion = new Query(this.writing, 'PRAGMA data_version');
        this.changes = new Query(this.writing, 'SELECT total_changes() AS rows');
        this.loader = new SqliteLoader(this.writing);
        this.saver = new SqliteSaver(this.writing);
    }

    /** Processes that were killed have counted nothing: their log would only grow, and a full disk keep it from ever being moved. */
    private moveOldLog(): void {
        try {
            this.writing.exec('PRAGMA wal_checkpoint(PASSIVE)');
        } catch {
            // What keeps it from being moved fails the first commit as well, and says so there.
        }
    }

    commit(operations: readonly Operation[]): Committed | Promise<Committed> {
        const { writerWaits } = this.checkpoints;
        if (writerWaits) return writerWaits.then(() => this.commit(operations));
        try {
            return this.commitNow(operations);
        } catch (error) {
            if (isBusy(error)) return this.whenFree(async () => this.commitNow(operations));
            throw failure(error);
        }
    }

    private commitNow(operations: readonly Operation[]): Committed {
        this.log.requireSound();
        this.begin.run();
        try {
            const decisions = this.decideAndSave(operations);
            // Hardly another page for each: see docs/performance.md.
            this.checkpoints.written(operations.length);
            return { decisions, durable: this.log.sync() };
        } catch (error) {
            this.rollBack();
            throw error;
        }
    }

    private decideAndSave(operations: readonly Operation[]): Decision[] {
        this.forgetWhatOthersChanged();
        const set = new WorkingSet(this.rows);
        this.loader.load(set, operations);
        const decisions = operations.map((operation) => decide(set, operation));
        announce(operations, decisions);
        this.saver.save(set);
        this.end.run();
        set.committed();
        return decisions;
    }

    /** Within a transaction that writes: nobody else can commit until it is over. The version tells of other connections only. */
    private forgetWhatOthersChanged(): void {
        const version = this.dataVersion.get()!.data_version;
        if (version !== this.knownVersion) this.rows.forget();
        this.knownVersion = version;
        this.rows.forgetIfMany();
    }

    async transaction<T>(act: (sql: Sql) => Promise<T>): Promise<T> {
        await this.checkpoints.writerWaits;
        return this.whenFree(async () => {
            this.log.requireSound();
            this.begin.run();
            try {
                const before = this.changes.get()!.rows;
                const value = await act(this.sql);
                const rows = Number(this.changes.get()!.rows - before);
                this.end.run();
                this.checkpoints.written(pagesOfRow * rows);
                // It may have changed any row, and through this very connection.
                this.rows.forget();
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
        await this.checkpoints.close();
        await this.log.close();
        this.reading.close();
        this.writing.close();
    }

    /** A failed write may have rolled the transaction back already. What was decided in it is void. */
    private rollBack(): void {
        this.rows.forget();
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

function failure(error: unknown): unknown {
    if (error instanceof LedgerError) return error;
    if (isBusy(error)) return new LedgerError('ledger_busy', 'Another process holds the ledger', { cause: error });
    return new LedgerError('ledger_write_failed', `The ledger could not commit: ${errorMessage(error)}`, {
        cause: error,
    });
}
