import { type DispatchLedger, openDispatchLedger, inspectPostgres } from '../../../keepers/ledger';
import type { Sql } from '../../../keepers/ledger/dispatch/sql';
import { onPostgres } from '../../support/new-ledger';
import { PostgresServer } from '../../support/postgres/postgres-server';
import { SilentLink } from '../../support/postgres/silent-link';
import { cap, requestId } from './ledger-records';

/** They start a server of their own, so only `npm run test:postgres` runs them. */
const suite = onPostgres ? describe : describe.skip;

suite('a PostgreSQL that says nothing any more', () => {
    let server: PostgresServer;
    beforeAll(async () => {
        server = await PostgresServer.start();
    });
    afterAll(() => server.stop());

    const links: SilentLink[] = [];
    afterEach(() => Promise.all(links.splice(0).map((link) => link.close())));

    async function linked({ patienceMs }: { patienceMs: number }) {
        const link = await SilentLink.to(server.port);
        links.push(link);
        const { url, password } = await server.database();
        const failures: unknown[] = [];
        const place = { url: link.urlOf(url), password, patienceMs, statementTimeoutMs: 2_000 };
        const ledger = await openDispatchLedger({ ...place, onCommitFailure: (error) => failures.push(error) });
        await ledger.recordCap(cap('before', 10n));
        await ledger.hasRequest(requestId('before'));
        return { link, ledger, failures, place };
    }

    it('loses its connections: acts go on by others', async () => {
        const { link, ledger } = await linked({ patienceMs: 60_000 });
        link.silence();
        const [, known] = await Promise.all([
            ledger.recordCap(cap('after', 20n)),
            ledger.hasRequest(requestId('before')),
        ]);
        expect(known).toBe(true);
        expect(await ledger.hasRequest(requestId('after'))).toBe(true);
        await ledger.close();
    });

    it('has kept a commit whose answer never came, and keeps it once', async () => {
        const { link, ledger, failures } = await linked({ patienceMs: 60_000 });
        link.silenceAfter('COMMIT\0');
        // Done a second time it would be a replay.
        await ledger.recordCap(cap('after', 20n));
        expect(failures).toEqual([]);
        await ledger.close();
    });

    it('is told of when patience ends, and its ledger can be closed', async () => {
        const { link, ledger, failures } = await linked({ patienceMs: 100 });
        link.silence({ newOnes: true });
        const unavailable = { code: 'ledger_unavailable', action: 'retry' };
        await Promise.all([
            expect(ledger.recordCap(cap('1', 20n))).rejects.toMatchObject(unavailable),
            expect(ledger.hasRequest(requestId('before'))).rejects.toMatchObject(unavailable),
        ]);
        // Now it is a new connection to which nobody answers.
        await Promise.all([
            expect(ledger.recordCap(cap('2', 30n))).rejects.toMatchObject(unavailable),
            expect(ledger.hasRequest(requestId('before'))).rejects.toMatchObject(unavailable),
        ]);
        expect(failures).toMatchObject([unavailable, unavailable]);
        await ledger.close();
    });

    it('keeps nobody from closing a ledger that rests', async () => {
        const { link, ledger } = await linked({ patienceMs: 60_000 });
        link.silence({ newOnes: true });
        await ledger.close();
    });

    it('is told of by a look at it', async () => {
        const { link, ledger, place } = await linked({ patienceMs: 60_000 });
        await ledger.close();
        link.silenceAfter('default_transaction_read_only');
        await expect(inspectPostgres(place)).rejects.toMatchObject({ code: 'ledger_unavailable' });
    });

    it('and loses a snapshot fails that, not the process', async () => {
        const { ledger } = await linked({ patienceMs: 60_000 });
        await expect(
            snapshot(ledger, (sql) => sql.all('SELECT pg_terminate_backend(pg_backend_pid())')),
        ).rejects.toMatchObject({
            code: 'ledger_unavailable',
        });
        await ledger.close();
    });
});

/** As a backup takes it. */
function snapshot<T>(ledger: DispatchLedger, act: (sql: Sql) => Promise<T>): Promise<T> {
    const { store } = ledger as unknown as { store: { snapshot: (act: (sql: Sql) => Promise<T>) => Promise<T> } };
    return store.snapshot(act);
}
