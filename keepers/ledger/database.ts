import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { errorMessage } from '../base';
import { LedgerError } from './errors';
import { migrate } from './migrations';

export type Database = InstanceType<typeof DatabaseSync>;
export type SqlValue = bigint | number | string | Buffer | null;

export interface DatabaseOptions {
    /** File of the ledger; its folder is made when missing. */
    file: string;
    /** How long a writer waits for another process before `ledger_busy`. */
    busyTimeoutMs?: number;
}

export const defaultBusyTimeoutMs = 5_000;

/**
 * WAL with synchronous=FULL: a commit is on disk when it returns, and readers never block the writer.
 * The file is created for its owner only.
 */
export function openDatabase(options: DatabaseOptions): Database {
    mkdirSync(path.dirname(options.file), { recursive: true, mode: 0o700 });
    const previousMask = process.umask(0o077);
    try {
        const database = new DatabaseSync(options.file);
        database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? defaultBusyTimeoutMs}`);
        database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
        migrate(database);
        return database;
    } catch (error) {
        if (error instanceof LedgerError) throw error;
        throw new LedgerError('ledger_unusable', `Can't open the ledger ${options.file}: ${errorMessage(error)}`, {
            cause: error,
        });
    } finally {
        process.umask(previousMask);
    }
}

/** A prepared statement with typed rows; integers are read as bigint, so that no amount is ever rounded. */
export class Query<Row = never> {
    private readonly statement: ReturnType<Database['prepare']>;

    constructor(database: Database, sql: string) {
        this.statement = database.prepare(sql);
        this.statement.setReadBigInts(true);
    }

    get(...values: SqlValue[]): Row | undefined {
        return this.statement.get(...values) as Row | undefined;
    }

    all(...values: SqlValue[]): Row[] {
        return this.statement.all(...values) as Row[];
    }

    /** Number of rows changed. */
    run(...values: SqlValue[]): number {
        return Number(this.statement.run(...values).changes);
    }

    insert(...values: SqlValue[]): bigint {
        return BigInt(this.statement.run(...values).lastInsertRowid);
    }
}

const constraintUnique = 2067;
const constraintPrimaryKey = 1555;

export function isUniqueViolation(error: unknown): boolean {
    const code = sqliteCode(error);
    return code === constraintUnique || code === constraintPrimaryKey;
}

const sqliteBusy = 5;

export function isBusy(error: unknown): boolean {
    return ((sqliteCode(error) ?? 0) & 0xff) === sqliteBusy;
}

/** Out of memory, read-only, I/O error, damaged, disk full: about the storage, whatever was to be written. */
const storageFailures = new Set([7, 8, 10, 11, 13]);

export function isStorageFailure(error: unknown): boolean {
    return storageFailures.has((sqliteCode(error) ?? 0) & 0xff);
}

function sqliteCode(error: unknown): number | undefined {
    if (typeof error !== 'object' || error === null || !('sqliteExtendedCode' in error)) return undefined;
    return Number(error.sqliteExtendedCode);
}
