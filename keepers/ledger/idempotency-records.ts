import { type Database, Query } from './database';
import type { GatewayRequestState } from './gateway-statements';
import { storedBytes, toBuffer } from './records';

/** Says of a request that it was sent under an Idempotency-Key. */
export interface IdempotencyMark {
    keyHash: Buffer;
    /** Of what was asked: another question under the same key is told apart by it. */
    fingerprint: Buffer;
}

/** A request that was sent under a key, and what has become of it. */
export interface IdempotentAttempt {
    requestId: Buffer;
    fingerprint: Buffer;
    state: GatewayRequestState;
    /** Null until the final receipt. */
    costNano: bigint | null;
}

/** How long a key is remembered. */
export const idempotencyRetentionMs = 24 * 3_600_000;

interface AttemptRow {
    request_id: Uint8Array;
    fingerprint: Uint8Array;
    state: GatewayRequestState;
    cost_nano: bigint | null;
}

/** The gateway's memory of Idempotency-Keys, in the same file as the requests, so that both are written at once. */
export class IdempotencyRecords {
    private readonly insertMark: Query;
    private readonly marksOfKey: Query<AttemptRow>;
    private readonly deleteOld: Query;

    constructor(database: Database) {
        this.insertMark = new Query(
            database,
            'INSERT INTO gateway_idempotency (request_id, key_hash, fingerprint, at_ms) VALUES (?, ?, ?, ?)',
        );
        this.marksOfKey = new Query(
            database,
            `SELECT i.request_id, i.fingerprint, q.state,
             CASE q.state WHEN 'final' THEN q.cost_nano END AS cost_nano FROM gateway_idempotency i
             JOIN gateway_requests q ON q.request_id = i.request_id WHERE i.key_hash = ? AND i.at_ms >= ? ORDER BY q.id`,
        );
        this.deleteOld = new Query(database, 'DELETE FROM gateway_idempotency WHERE at_ms < ?');
    }

    insert(requestId: Buffer, mark: IdempotencyMark, atMs: number): void {
        storedBytes(mark.keyHash, 32, 'keyHash');
        storedBytes(mark.fingerprint, 32, 'fingerprint');
        this.deleteOld.run(atMs - idempotencyRetentionMs);
        this.insertMark.run(requestId, mark.keyHash, mark.fingerprint, atMs);
    }

    /** Oldest first. */
    attempts(keyHash: Buffer, nowMs: number): IdempotentAttempt[] {
        return this.marksOfKey
            .all(keyHash, nowMs - idempotencyRetentionMs)
            .map(({ request_id, fingerprint, state, cost_nano }) => ({
                requestId: toBuffer(request_id),
                fingerprint: toBuffer(fingerprint),
                state,
                costNano: cost_nano,
            }));
    }
}
