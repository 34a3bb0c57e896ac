import { DatabaseSync } from '@photostructure/sqlite';
import { errorMessage } from '../base';
import { type Database, isBusy } from './database';
import { LedgerError } from './errors';

/** Of two that try at the same moment one gets it. */
const busyTimeoutMs = 250;

/**
 * A file that one process has at a time. The lock is the operating system's, by way of SQLite's driver, which Node.js has
 * nothing for: it ends with its process however that ends. A file with a process id in it would outlive a kill, and another
 * process with the same id, or one of another container, would keep it for ever.
 *
 * The file stays, empty: one that is deleted could be locked by two, each with a file of its own. Nothing else in this process
 * may open it, since closing it again would end the lock.
 */
export class FileLock {
    /** Whatever nobody refers to any more is closed at some time, and the lock is gone. */
    private constructor(private readonly database: Database) {}

    /** Null where another has it, in this process too. @throws LedgerError `ledger_unusable` where nothing can be locked */
    static take(file: string): FileLock | null {
        const previousMask = process.umask(0o077);
        let database: Database | undefined;
        try {
            database = new DatabaseSync(file);
            // Nothing is ever written, so that a full disk does not matter, and no journal lies beside it.
            database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE`);
            return new FileLock(database);
        } catch (error) {
            database?.close();
            if (isBusy(error)) return null;
            throw new LedgerError('ledger_unusable', `Can't lock ${file}: ${errorMessage(error)}`, { cause: error });
        } finally {
            process.umask(previousMask);
        }
    }

    release(): void {
        this.database.close();
    }
}
