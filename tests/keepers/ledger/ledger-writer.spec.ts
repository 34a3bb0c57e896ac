import path from 'node:path';
import { LedgerError, LedgerWriter, openDatabase, schemaVersion } from '../../../keepers/ledger';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
let counter = 0;

function open() {
    const file = path.join(folder, `${counter++}.db`);
    const database = openDatabase({ file, busyTimeoutMs: 20 });
    database.exec('CREATE TABLE notes (name TEXT PRIMARY KEY) STRICT');
    const insert = database.prepare('INSERT INTO notes VALUES (?)');
    const count = () => Number((database.prepare('SELECT count(*) AS n FROM notes').get() as { n: number }).n);
    return { file, database, insert, count };
}

describe('LedgerWriter', () => {
    it('commits operations of one turn together and resolves after the commit', async () => {
        const { database, insert, count } = open();
        const writer = new LedgerWriter(database);
        const commits: boolean[] = [];
        const all = Array.from({ length: 100 }, (_, i) =>
            writer.submit(() => {
                commits.push(database.isTransaction);
                insert.run(`note ${i}`);
                return i;
            }),
        );
        expect(count()).toBe(0);
        expect(await Promise.all(all)).toEqual(Array.from({ length: 100 }, (_, i) => i));
        expect(commits.every(Boolean)).toBe(true);
        expect(database.isTransaction).toBe(false);
        expect(count()).toBe(100);
    });

    it('rolls one failed operation back and keeps its neighbours', async () => {
        const { database, insert, count } = open();
        const writer = new LedgerWriter(database);
        const results = await Promise.allSettled([
            writer.submit(() => insert.run('first')),
            writer.submit(() => {
                insert.run('half done');
                throw new LedgerError('record_invalid', 'refused');
            }),
            writer.submit(() => insert.run('first')),
            writer.submit(() => insert.run('last')),
        ]);
        expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
        expect(count()).toBe(2);
        expect(database.prepare('SELECT name FROM notes ORDER BY name').all()).toMatchObject([
            { name: 'first' },
            { name: 'last' },
        ]);
    });

    it('rejects a whole batch with a retryable error while another process writes', async () => {
        const { file, database, insert, count } = open();
        const rival = openDatabase({ file });
        rival.exec('BEGIN IMMEDIATE');
        const writer = new LedgerWriter(database);
        await expect(writer.submit(() => insert.run('kept out'))).rejects.toMatchObject({
            code: 'ledger_busy',
            action: 'retry',
        });
        rival.exec('COMMIT');
        await writer.submit(() => insert.run('let in'));
        expect(count()).toBe(1);
    });

    it('acknowledges nothing of a batch that ran out of disk', async () => {
        const { database, insert, count } = open();
        const writer = new LedgerWriter(database);
        const pages = (database.prepare('PRAGMA page_count').get() as { page_count: number }).page_count;
        database.exec(`PRAGMA max_page_count = ${pages + 2}`);
        const results = await Promise.allSettled([
            writer.submit(() => insert.run('small')),
            writer.submit(() => insert.run('x'.repeat(100_000))),
        ]);
        const acknowledged = results.filter((result) => result.status === 'fulfilled').length;
        expect(results[1].status).toBe('rejected');
        expect(count()).toBe(acknowledged);
        await writer.submit(() => insert.run('still works'));
    });

    it('bounds its queue and refuses after close', async () => {
        const { database, insert, count } = open();
        const writer = new LedgerWriter(database, { maxQueued: 1 });
        const first = writer.submit(() => insert.run('first'));
        await expect(writer.submit(() => insert.run('second'))).rejects.toMatchObject({ code: 'ledger_busy' });
        writer.close();
        await first;
        expect(count()).toBe(1);
        await expect(writer.submit(() => insert.run('late'))).rejects.toMatchObject({ code: 'ledger_closed' });
    });
});

describe('openDatabase', () => {
    it('syncs every commit', () => {
        const { database } = open();
        expect(database.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
        expect(database.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: 2 });
    });

    it('refuses a file of a newer program', () => {
        const { file, database } = open();
        database.prepare('INSERT INTO schema_version VALUES (?, 0)').run(schemaVersion + 1);
        database.close();
        expect(() => openDatabase({ file })).toThrow(/update the program/);
    });
});
