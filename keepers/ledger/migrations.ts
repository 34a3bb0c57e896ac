import type { Database } from './database';
import { LedgerError } from './errors';
import { dispatchSchema } from './schema/dispatch-schema';
import { gatewaySchema } from './schema/gateway-schema';
import { idempotencySchema } from './schema/idempotency-schema';
import { outboxSchema } from './schema/outbox-schema';
import { keySchema } from './schema/key-schema';
import { windowSchema } from './schema/window-schema';

/** Step n brings a file from version n to n + 1. A released step is never edited: add another one. */
const steps: readonly string[] = [
    dispatchSchema + gatewaySchema + outboxSchema,
    windowSchema,
    keySchema,
    idempotencySchema,
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
            database.exec(pending);
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
    const version = row.version ?? 0;
    if (version > schemaVersion) {
        throw new LedgerError(
            'ledger_unusable',
            `The ledger has schema version ${version}, this program knows ${schemaVersion}: update the program`,
            { context: { version, schemaVersion } },
        );
    }
    return version;
}
