import { type Database, Query } from './database';
import { idempotencyRetentionMs } from './idempotency-records';
import { storedBytes, toBuffer } from './records';

/** An answer that only its caller can open. */
export interface KeptAnswer {
    keyHash: Buffer;
    sealed: Buffer;
    atMs: number;
}

/** Larger ones are not kept. */
export const maxKeptAnswerBytes = 1024 * 1024;
/** Of all together; the oldest go first. */
const maxBytes = 64 * 1024 * 1024;

/** Sealed answers, as long as the keys are remembered that they were given under. */
export class KeptAnswers {
    private readonly insert: Query;
    private readonly select: Query<{ sealed: Uint8Array }>;
    private readonly deleteOld: Query;
    private readonly sum: Query<{ bytes: bigint | null }>;
    private readonly deleteOldest: Query;

    constructor(
        database: Database,
        private readonly limitBytes = maxBytes,
    ) {
        this.insert = new Query(
            database,
            'INSERT OR REPLACE INTO gateway_answers (key_hash, sealed, bytes, at_ms) VALUES (?, ?, ?, ?)',
        );
        this.select = new Query(database, 'SELECT sealed FROM gateway_answers WHERE key_hash = ? AND at_ms >= ?');
        this.deleteOld = new Query(database, 'DELETE FROM gateway_answers WHERE at_ms < ?');
        this.sum = new Query(database, 'SELECT sum(bytes) AS bytes FROM gateway_answers');
        this.deleteOldest = new Query(
            database,
            'DELETE FROM gateway_answers WHERE rowid = (SELECT rowid FROM gateway_answers ORDER BY at_ms, rowid LIMIT 1)',
        );
    }

    keep({ keyHash, sealed, atMs }: KeptAnswer): void {
        storedBytes(keyHash, 32, 'keyHash');
        if (sealed.length > maxKeptAnswerBytes) return;
        this.deleteOld.run(atMs - idempotencyRetentionMs);
        this.insert.run(keyHash, sealed, sealed.length, atMs);
        while ((this.sum.get()!.bytes ?? 0n) > this.limitBytes) this.deleteOldest.run();
    }

    find(keyHash: Buffer, nowMs: number): Buffer | undefined {
        const row = this.select.get(keyHash, nowMs - idempotencyRetentionMs);
        return row && toBuffer(row.sealed);
    }
}
