import { statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openDispatchLedger } from '../../../keepers/ledger';
import { openDatabase, Query } from '../../../keepers/ledger/database';
import { SqliteStore } from '../../../keepers/ledger/sqlite/sqlite-store';
import { cap, requestId, streamA } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const mebibyte = 1_048_576;
const logBytes = (file: string) => statSync(`${file}-wal`).size;

describe('the log of a SQLite ledger', () => {
    it('that killed processes left behind is moved by the next one, and is written from its beginning', async () => {
        const file = path.join(folder, 'old.sqlite');
        const ended = await openDispatchLedger({ file });
        await ended.recordCap(cap('1', 10n));
        await ended.close();
        // As one that was killed: it has not closed, so nobody has moved what it wrote.
        const killed = openDatabase({ file });
        killed.exec('PRAGMA wal_autocheckpoint = 0');
        const write = new Query(killed, 'UPDATE dispatch_streams SET paid_nano = paid_nano + 1');
        for (let i = 0; i < 200; i++) write.run();
        const left = logBytes(file);
        const ledger = await openDispatchLedger({ file });
        for (let i = 0; i < 20; i++) await ledger.recordPaid(streamA, { paidNano: BigInt(1_000 + i), atMs: i });
        expect(logBytes(file)).toBe(left);
        expect(await ledger.hasRequest(requestId('1'))).toBe(true);
        await ledger.close();
        killed.close();
    });

    it('stays short where each operation comes alone, a lease among them, and the writer never rests', async () => {
        const file = path.join(folder, 'alone.sqlite');
        const ledger = await openDispatchLedger({ file });
        for (let i = 1; i <= 2_500; i++) {
            await ledger.recordPaid(streamA, { paidNano: BigInt(i), atMs: i });
            await ledger.leases.hold('settler', 'one', 60_000);
        }
        expect(logBytes(file)).toBeLessThan(24 * mebibyte);
        await ledger.close();
    });

    it('is moved after transactions of many rows, few as they are', async () => {
        const file = path.join(folder, 'large.sqlite');
        await (await openDispatchLedger({ file })).close();
        const store = new SqliteStore({ file });
        await store.transaction((sql) => sql.run('CREATE TABLE t (value BLOB NOT NULL) STRICT', []));
        for (let i = 0; i < 20; i++)
            await store.transaction(async (sql) => {
                for (let row = 0; row < 200; row++) await sql.run('INSERT INTO t VALUES (?)', [Buffer.alloc(4_096)]);
            });
        while (statSync(file).size < 4 * mebibyte) await pause(20);
        await store.close();
    });
});
