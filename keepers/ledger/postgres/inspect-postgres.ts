import pg from 'pg';
import { errorMessage } from '../../base';
import { LedgerError } from '../errors';
import { schemaVersion } from '../migrations';
import { connectionSettings, longestSilenceMs, type PostgresOptions } from './options';
import { breakOffWhenSilent } from './silence';

export interface PostgresInspection {
    /** Of the database's schema; 0 where no ledger was made in it. */
    version: number;
    /** Steps that the next start takes it through; negative where it is of a newer program. */
    pendingSteps: number;
    sizeBytes: number;
    /** Of PostgreSQL itself. */
    serverVersion: string;
    /** Settings of the server with which a power cut loses what was acknowledged. */
    unsafeSettings: string[];
    /** A standby takes no writes. */
    isStandby: boolean;
}

const look = `SELECT current_setting('server_version') AS server_version,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    pg_is_in_recovery() AS is_standby, pg_database_size(current_database())::TEXT AS size,
    to_regclass('schema_version') IS NOT NULL AS has_ledger`;

interface Look {
    server_version: string;
    fsync: string;
    full_page_writes: string;
    is_standby: boolean;
    size: string;
    has_ledger: boolean;
}

/**
 * A look at a ledger in PostgreSQL that changes nothing, also while roles write to it.
 * @throws LedgerError `ledger_unavailable` when it can't be reached
 */
export async function inspectPostgres(options: PostgresOptions): Promise<PostgresInspection> {
    const client = new pg.Client(connectionSettings(options));
    try {
        await client.connect();
        breakOffWhenSilent(client, longestSilenceMs(options));
        await client.query('SET default_transaction_read_only = on');
        const { rows } = await client.query<Look>(look);
        const seen = rows[0]!;
        const version = seen.has_ledger ? await versionOf(client) : 0;
        return {
            version,
            pendingSteps: schemaVersion - version,
            sizeBytes: Number(seen.size),
            serverVersion: seen.server_version,
            unsafeSettings: (['fsync', 'full_page_writes'] as const).filter((name) => seen[name] !== 'on'),
            isStandby: seen.is_standby,
        };
    } catch (error) {
        // The driver's words name host, user and database, and never the password.
        throw new LedgerError('ledger_unavailable', `PostgreSQL: ${errorMessage(error)}`, { cause: error });
    } finally {
        await client.end().catch(() => undefined);
    }
}

async function versionOf(client: pg.Client): Promise<number> {
    const { rows } = await client.query<{ version: string | null }>(
        'SELECT max(version)::TEXT AS version FROM schema_version',
    );
    return Number(rows[0]!.version ?? 0);
}
