import type { DatabaseOptions } from './database';
import { GroupCommit } from './dispatch/group-commit';
import { compactOutbox } from './maintenance/compact-outbox';
import type { Pause } from './maintenance/pause';
import { Outbox } from './outbox';
import { SqliteStore } from './sqlite/sqlite-store';

/** The outbox of a keeper that has no ledger: a file of its own, of the same schema. */
export interface OutboxFile {
    outbox: Outbox;
    /** Deletes what was closed before then. @returns how many intents went */
    compact: (beforeMs: number, pause: Pause) => Promise<number>;
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
    const compact = async (beforeMs: number, pause: Pause) => {
        const intents = await compactOutbox(writer, { beforeMs, nowMs: Date.now(), pause });
        store.giveBack();
        return intents;
    };
    return { outbox: new Outbox(store.reads, writer), compact, close };
}
