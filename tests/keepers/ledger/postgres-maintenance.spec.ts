import path from 'node:path';
import pg from 'pg';
import { type DispatchLedger, openDispatchLedger } from '../../../keepers/ledger';
import { onPostgres } from '../../support/new-ledger';
import { PostgresServer } from '../../support/postgres/postgres-server';
import { cap, requestId } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

/** They start a server of their own, so only `npm run test:postgres` runs them. */
const suite = onPostgres ? describe : describe.skip;
const folder = temporaryFolder();

const statementTimeoutMs = 2_000;
/** Also beyond the silence that ends a connection. */
const sleep = `pg_sleep(${statementTimeoutMs / 1000 + 3})`;

suite('maintenance of a ledger in PostgreSQL, of which a statement takes longer than others may', () => {
    let server: PostgresServer;
    beforeAll(async () => {
        server = await PostgresServer.start();
    });
    afterAll(() => server.stop());

    async function filled() {
        const place = { ...(await server.database()), statementTimeoutMs };
        const run = (text: string) => server.query(place.url.split('/').at(-1)!, text);
        const ledger = await openDispatchLedger(place);
        await ledger.recordCap(cap('1', 10n));
        return { place, run, ledger };
    }

    /** As a program that knew version 8 left it. */
    async function old() {
        const { place, run, ledger } = await filled();
        await ledger.close();
        await run('DROP INDEX dispatch_requests_unserved; DROP TABLE outbox_spent');
        await run('DELETE FROM schema_version WHERE version > 8');
        return { place, run };
    }

    async function expectWhole(ledger: DispatchLedger): Promise<void> {
        expect(await ledger.hasRequest(requestId('1'))).toBe(true);
        await ledger.close();
    }

    it('brings it to the current version, and whoever starts meanwhile waits for that', async () => {
        const { place, run } = await old();
        await run(`CREATE FUNCTION slowly() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${sleep}; END'`);
        await run(`CREATE EVENT TRIGGER slow_index ON ddl_command_start WHEN TAG IN ('CREATE INDEX')
            EXECUTE FUNCTION slowly()`);
        const ledgers = await Promise.all([openDispatchLedger(place), openDispatchLedger(place)]);
        for (const ledger of ledgers) await expectWhole(ledger);
    });

    it('holds up those that write no longer than before where a step must wait for a table', async () => {
        const { place } = await old();
        const writer = new pg.Client({ connectionString: place.url, password: place.password });
        await writer.connect();
        await writer.query('BEGIN; LOCK TABLE dispatch_requests IN ROW EXCLUSIVE MODE');
        await expect(openDispatchLedger({ ...place, patienceMs: 100 })).rejects.toMatchObject({ code: 'ledger_busy' });
        await writer.end();
        await expectWhole(await openDispatchLedger(place));
    });

    it('replaces it by a backup', async () => {
        const { run, ledger } = await filled();
        const file = path.join(folder, 'replaced');
        await ledger.upkeep.backup(file, 1);
        await run(
            `CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${sleep}; RETURN NULL; END'`,
        );
        await run('CREATE TRIGGER slow_delete AFTER DELETE ON dispatch_requests EXECUTE FUNCTION slowly()');
        await ledger.upkeep.restore(file, { replace: true });
        await expectWhole(ledger);
    });

    it('backs it up and counts its rows', async () => {
        const { run, ledger } = await filled();
        await run('ALTER TABLE dispatch_caps RENAME TO caps');
        await run(`CREATE VIEW dispatch_caps AS SELECT caps.* FROM caps, ${sleep}`);
        const backup = ledger.upkeep.backup(path.join(folder, 'slow'), 1);
        const [{ rows }, info] = await Promise.all([backup, ledger.upkeep.info()]);
        expect(rows).toBe(3);
        expect(info.rows).toMatchObject({ dispatch_streams: 1, dispatch_caps: 1, dispatch_requests: 1 });
        await ledger.close();
    });

    it('leaves the limit on all else', async () => {
        const { run, ledger } = await filled();
        await run(
            `CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${sleep}; RETURN NULL; END'`,
        );
        await run('CREATE TRIGGER slow_insert AFTER INSERT ON dispatch_requests EXECUTE FUNCTION slowly()');
        await expect(ledger.recordCap(cap('2', 20n))).rejects.toMatchObject({
            code: 'ledger_write_failed',
            cause: { code: '57014' },
        });
        await ledger.close();
    });
});
