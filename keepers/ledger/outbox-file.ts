import type { DatabaseOptions } from './database';
import { GroupCommit } from './dispatch/group-commit';
import { Outbox } from './outbox';
import { SqliteStore } from './sqlite/sqlite-store';

/** The outbox of a keeper that has no ledger: a file of its own, of the same schema. */
export interface OutboxFile {
    outbox: Outbox;
    /** Commits what waits and closes the file. */
    close: () => Promise<void>;
}

export function openOutboxFile(options: DatabaseOptions): OutboxFile {
    const store = new SqliteStore(options);
    const writer = new GroupCommit(store);
    const close = async () => {
        await writer.close();
        await store.close();
    };
    return { outbox: new Outbox(store.reads, writer), close };
}
