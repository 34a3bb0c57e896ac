import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openDatabase, Query } from '../../../keepers/ledger/database';
import { Checkpoints } from '../../../keepers/ledger/sqlite/checkpoints';
import { temporaryFolder } from './temporary-folder';
import { typescriptNode } from '../../support/typescript-node';

const folder = temporaryFolder();

describe('checkpoints beside a writer that never rests', () => {
    it.each([
        ['', false],
        [', while another process writes on', true],
    ])('have it wait for a last bit, and let the log begin anew%s', async (_, hasRival) => {
        const file = path.join(folder, `ledger ${hasRival}.sqlite`);
        const database = openDatabase({ file });
        database.exec('PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (value BLOB NOT NULL) STRICT');
        const insert = new Query(database, 'INSERT INTO t VALUES (?)');
        const rival = openDatabase({ file });
        rival.exec('PRAGMA wal_autocheckpoint = 0');
        const insertToo = new Query(rival, 'INSERT INTO t VALUES (?)');
        const checkpoints = new Checkpoints(file, { pagesBetween: 50, longLogPages: 100 });
        const logBytes = () => statSync(`${file}-wal`).size;
        const write = async () => {
            insert.run(Buffer.alloc(16_384));
            checkpoints.written(5);
            await turn();
        };
        const waited = async () => {
            let isOver = checkpoints.writerWaits === null;
            void checkpoints.writerWaits?.then(() => (isOver = true));
            while (!isOver) {
                if (hasRival) insertToo.run(Buffer.alloc(100));
                await turn();
            }
        };
        let writes = 0;
        for (; !checkpoints.writerWaits; writes++) await write();
        await waited();
        const longest = logBytes();
        for (let i = 0; i < writes / 2; i++) {
            await waited();
            await write();
        }
        expect(logBytes()).toBe(longest);
        await checkpoints.close();
        for (const connection of [database, rival]) connection.close();
    });

    it('keep a process that has nothing else to wait for', async () => {
        const script = path.join(__dirname, 'checkpoint-waiter.ts');
        const args = [...typescriptNode, script, path.join(folder, 'waiter.sqlite')];
        const { stdout } = await promisify(execFile)(process.execPath, args);
        expect(stdout).toBe('went on\n');
    });
});

it('a thread that could not open the file does not keep a role from stopping', async () => {
    const checkpoints = new Checkpoints(path.join(folder, 'no such folder', 'ledger.sqlite'));
    checkpoints.empty();
    await checkpoints.close();
    checkpoints.empty();
    while (checkpoints.isRunning) await turn();
    await checkpoints.close();
});
