import type { Database } from './database';
import { LedgerError } from './errors';
import { commitMarkSchema } from './schema/commit-mark-schema';
import { compactionSchema } from './schema/compaction-schema';
import { dispatchSchema } from './schema/dispatch-schema';
import { dispatchTables, dispatchTablesFromOld } from './schema/dispatch-tables';
import { gatewaySchema } from './schema/gateway-schema';
import { idempotencySchema } from './schema/idempotency-schema';
import { keptAnswerSchema } from './schema/kept-answer-schema';
import { outboxSchema } from './schema/outbox-schema';
import { keySchema } from './schema/key-schema';
import { retentionSchema } from './schema/retention-schema';
import { sendSchema } from './schema/send-schema';
import { unchargedSchema } from './schema/uncharged-schema';
import { windowSchema } from './schema/window-schema';

interface Step {
    sqlite: string;
    /** In SQLite's dialect; the first releases had SQLite alone. */
    postgres: string | null;
}

/**
 * Step n brings a ledger from version n to n + 1; versions are the same on both databases. A released step is never
 * edited: add another one. PostgreSQL holds the dispatcher's side only.
 */
export const steps: readonly Step[] = [
    { sqlite: dispatchSchema + gatewaySchema + outboxSchema, postgres: null },
    { sqlite: windowSchema, postgres: null },
    { sqlite: keySchema, postgres: null },
    { sqlite: idempotencySchema, postgres: null },
    { sqlite: dispatchTablesFromOld, postgres: dispatchTables + outboxSchema },
    { sqlite: sendSchema, postgres: sendSchema },
    { sqlite: compactionSchema, postgres: compactionSchema },
    { sqlite: '', postgres: commitMarkSchema },
    retentionSchema,
    { sqlite: keptAnswerSchema, postgres: '' },
    { sqlite: unchargedSchema, postgres: '' },
];

export const schemaVersion = steps.length;

/** Brings the file to the current version, each step in a transaction; several processes may try at once. */
export function migrate(database: Database): void {
    database.exec(
        'CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_at_ms INTEGER NOT NULL) STRICT',
    );
    while (step(database));
}

function step(database: Database): boolean {
    database.exec('BEGIN IMMEDIATE');
    try {
        const version = currentVersion(database);
        const pending = steps[version];
        if (pending !== undefined) {
            database.exec(pending.sqlite);
            database.prepare('INSERT INTO schema_version VALUES (?, ?)').run(version + 1, Date.now());
        }
        database.exec('COMMIT');
        return pending !== undefined;
    } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
    }
}

function currentVersion(database: Database): number {
    const row = database.prepare('SELECT max(version) AS version FROM schema_version').get() as {
        version: number | null;
    };
    return knownVersion(row.version ?? 0);
}

/** @throws LedgerError when a newer program wrote it */
export function knownVersion(version: number): number {
    if (version > schemaVersion) {
        throw new LedgerError(
            'ledger_unusable',
            `The ledger has schema version ${version}, this program knows ${schemaVersion}: update the program`,
            { context: { version, schemaVersion } },
        );
    }
    return version;
}
