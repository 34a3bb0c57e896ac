import { randomBytes } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { type DispatchLedger, type DispatchLedgerOptions, openDispatchLedger } from '../../keepers/ledger';

/** Where `npm run test:postgres` has a server; its password is in PGPASSWORD. */
const server = process.env['LEDGER_TEST_POSTGRES'];

export const onPostgres = server !== undefined;

/**
 * A place for a new, empty ledger of a dispatcher: a file in `folder`, or a database of its own in PostgreSQL where the
 * tests run on that. The same options again open the same ledger.
 */
export async function newLedger(folder: string): Promise<DispatchLedgerOptions> {
    const name = `ledger_${randomBytes(8).toString('hex')}`;
    if (server === undefined) return { file: path.join(folder, `${name}.sqlite`) };
    const client = new pg.Client({ connectionString: `${server}/postgres` });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    return { url: `${server}/${name}` };
}

const opened: DispatchLedger[] = [];

/** Opens it, and closes it after the suite at the latest. */
export async function openNewLedger(folder: string): Promise<DispatchLedger> {
    return openTestLedger(await newLedger(folder));
}

export async function openTestLedger(options: DispatchLedgerOptions): Promise<DispatchLedger> {
    const ledger = await openDispatchLedger(options);
    opened.push(ledger);
    return ledger;
}

afterAll(async () => {
    await Promise.all(opened.splice(0).map((ledger) => ledger.close()));
});
