import { openDatabase, Query } from '../../../keepers/ledger/database';
import { Checkpoints } from '../../../keepers/ledger/sqlite/checkpoints';

/** Writes until a checkpoint has it wait, and then waits with nothing else to keep the process. */
async function main(file: string): Promise<void> {
    const database = openDatabase({ file });
    database.exec('PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (value BLOB NOT NULL) STRICT');
    const insert = new Query(database, 'INSERT INTO t VALUES (?)');
    const checkpoints = new Checkpoints(file, { pagesBetween: 50, longLogPages: 100 });
    while (!checkpoints.writerWaits) {
        insert.run(Buffer.alloc(16_384));
        checkpoints.written(5);
        await new Promise((resolve) => setImmediate(resolve));
    }
    await checkpoints.writerWaits;
    process.stdout.write('went on\n');
    await checkpoints.close();
    database.close();
}

void main(process.argv[2]!);
