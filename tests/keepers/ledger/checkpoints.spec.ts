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
    it('have it wait for a last bit, and let the log begin anew', async () => {
        const file = path.join(folder, 'ledger.sqlite');
        const database = openDatabase({ file });
        database.exec('PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (value BLOB NOT NULL) STRICT');
        const insert = new Query(database, 'INSERT INTO t VALUES (?)');
        const checkpoints = new Checkpoints(file, { pagesBetween: 50, longLogPages: 100 });
        const logBytes = () => statSync(`${file}-wal`).size;
        const write = async () => {
            insert.run(Buffer.alloc(16_384));
            checkpoints.written(5);
            await turn();
        };
        let writes = 0;
        for (; !checkpoints.writerWaits; writes++) await write();
        await checkpoints.writerWaits;
        const longest = logBytes();
        for (let i = 0; i < writes / 2; i++) {
            await checkpoints.writerWaits;
            await write();
        }
        expect(logBytes()).toBe(longest);
        await checkpoints.close();
        database.close();
    });

    it('keep a process that has nothing else to wait for', async () => {
        const script = path.join(__dirname, 'checkpoint-waiter.ts');
        const args = [...typescriptNode, script, path.join(folder, 'waiter.sqlite')];
        const { stdout } = await promisify(execFile)(process.execPath, args);
        expect(stdout).toBe('went on\n');
    });
});
