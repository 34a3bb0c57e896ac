import type { DatabaseOptions } from './database';
import { LedgerError } from './errors';
import { ledgerVersion } from './inspect-ledger';
import { schemaVersion } from './migrations';
import { inspectPostgres } from './postgres/inspect-postgres';
import type { PostgresOptions } from './postgres/options';

/**
 * For whoever looks after a ledger that is there: opening makes one where the settings name a wrong place, and brings one
 * further while roles of an older program write to it.
 * @throws LedgerError `ledger_missing`, `ledger_outdated`
 */
export async function requireLedger(place: DatabaseOptions | PostgresOptions): Promise<void> {
    const isFile = 'file' in place;
    const version = isFile ? ledgerVersion(place.file) : (await inspectPostgres(place)).version;
    const what = isFile ? place.file : 'The PostgreSQL database';
    if (version === 0)
        throw new LedgerError(
            'ledger_missing',
            `${what} holds no ledger: is ${isFile ? 'ledgerFile' : 'ledgerUrl'} right? ` +
                'The first start of a dispatcher, `cocoon ledger migrate` and `cocoon ledger restore` make one',
        );
    if (version < schemaVersion)
        throw new LedgerError(
            'ledger_outdated',
            `${what} has schema version ${version}, this program ${schemaVersion}: use the program that wrote it, ` +
                'or stop that, back it up with it, and bring it further by `cocoon ledger migrate`',
            { context: { version, schemaVersion } },
        );
}
