import { DatabaseSync } from '@photostructure/sqlite';
import { statSync } from 'node:fs';
import { errorMessage } from '../base';
import type { Database } from './database';
import { LedgerError } from './errors';
import { schemaVersion } from './migrations';

export interface LedgerInspection {
    /** Of the file's schema. */
    version: number;
    /** Steps that the next start takes it through; negative where the file is of a newer program. */
    pendingSteps: number;
    /** With its log of writes. */
    sizeBytes: number;
    /** What SQLite finds wrong with the file's structure, a few lines at most; empty when nothing. */
    damage: string[];
}

const damageShown = 5;

/**
 * A look at a ledger's file that changes nothing, also while a role writes to it; null where there is none yet.
 * @throws LedgerError `ledger_unusable`
 */
export function inspectLedger(file: string): LedgerInspection | null {
    const sizes = [file, `${file}-wal`].map((one) => statSync(one, { throwIfNoEntry: false })?.size);
    if (sizes[0] === undefined) return null;
    return looked(file, (database) => {
        const version = versionOf(database);
        return {
            version,
            pendingSteps: schemaVersion - version,
            sizeBytes: sizes[0]! + (sizes[1] ?? 0),
            damage: damageOf(database),
        };
    });
}

/** Of the file's schema, however large it is; 0 where there is no ledger. @throws LedgerError `ledger_unusable` */
export function ledgerVersion(file: string): number {
    return statSync(file, { throwIfNoEntry: false }) === undefined ? 0 : looked(file, versionOf);
}

function looked<T>(file: string, look: (database: Database) => T): T {
    try {
        const database = new DatabaseSync(file, { readOnly: true });
        try {
            return look(database);
        } finally {
            database.close();
        }
    } catch (error) {
        throw new LedgerError('ledger_unusable', `${file} cannot be read: ${errorMessage(error)}`, { cause: error });
    }
}

/** 0 for a file that no ledger was made in. */
function versionOf(database: Database): number {
    const table: unknown = database
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'")
        .get();
    if (table === undefined) return 0;
    const row = database.prepare('SELECT max(version) AS version FROM schema_version').get() as {
        version: number | null;
    };
    return row.version ?? 0;
}

function damageOf(database: Database): string[] {
    const rows = database.prepare(`PRAGMA quick_check(${damageShown})`).all() as unknown as { quick_check: string }[];
    return rows.map((row) => row.quick_check).filter((line) => line !== 'ok');
}
