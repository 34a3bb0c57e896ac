import { type Database, Query } from './database';
import { idempotencyRetentionMs } from './idempotency-records';
import type { LedgerWriter } from './ledger-writer';
import { type CompactOptions, requireOldEnough } from './maintenance/compact';
import { inSlice, noPause } from './maintenance/pause';
import { toBuffer } from './records';

export interface GatewayCompaction {
    requests: number;
    offers: number;
    idempotencyMarks: number;
}

interface OldRequest {
    id: bigint;
    stream_id: bigint;
    state: 'final' | 'failed';
    sequence: bigint | null;
    cost_nano: bigint | null;
    cumulative_nano: bigint | null;
    offer_hash: Uint8Array | null;
}

/** Looked through in one slice, whatever of them can go. */
const idsAtOnce = 100n;

export function prepareGatewayCompaction(database: Database) {
    const sql = <Row = never>(text: string) => new Query<Row>(database, text);
    return {
        /** The next of those reserved before then, by number: the work of a slice ends there. */
        lastOfSlice: sql<{ first: bigint | null; last: bigint | null }>(
            `SELECT min(id) AS first, max(id) AS last FROM (
                 SELECT id, reserved_at_ms FROM gateway_requests WHERE id > ? ORDER BY id LIMIT ${idsAtOnce})
             WHERE reserved_at_ms < ?`,
        ),
        // A receipt that is still to come may have a lower sequence than one that came, but not than one that had come before
        // its request was made: nothing goes that closed while something was under way that is open or lost still.
        old: sql<OldRequest>(
            `SELECT q.id, q.stream_id, q.state, q.sequence, q.cost_nano, q.cumulative_nano, q.offer_hash
             FROM gateway_requests q WHERE q.id BETWEEN ? AND ? AND q.state IN ('final', 'failed') AND q.closed_at_ms < ?
             AND NOT EXISTS (SELECT 1 FROM gateway_idempotency i WHERE i.request_id = q.request_id)
             AND NOT EXISTS (SELECT 1 FROM gateway_requests o WHERE o.state IN ('reserved', 'sent', 'lost')
                 AND o.stream_id = q.stream_id AND o.reserved_at_ms <= q.closed_at_ms)`,
        ),
        delete: sql('DELETE FROM gateway_requests WHERE id = ?'),
        countFinal: sql(
            `UPDATE gateway_streams SET compacted_finals = compacted_finals + 1,
             compacted_cost_nano = compacted_cost_nano + ?, compacted_sequence = max(compacted_sequence, ?),
             compacted_cumulative_nano = max(compacted_cumulative_nano, ?) WHERE id = ?`,
        ),
        /** One may have a receipt all the same: a checkpoint, which was not charged. */
        countFailed: sql(
            `UPDATE gateway_streams SET compacted_failed = compacted_failed + 1,
             compacted_sequence = max(compacted_sequence, ?),
             compacted_cumulative_nano = max(compacted_cumulative_nano, ?) WHERE id = ?`,
        ),
        deleteOffer: sql(
            `DELETE FROM gateway_offers WHERE hash = ?1
             AND NOT EXISTS (SELECT 1 FROM gateway_requests WHERE offer_hash = ?1)`,
        ),
        deleteMarks: sql(
            `DELETE FROM gateway_idempotency WHERE request_id IN
             (SELECT request_id FROM gateway_idempotency WHERE at_ms < ? LIMIT ${idsAtOnce})`,
        ),
    };
}

type Statements = ReturnType<typeof prepareGatewayCompaction>;

/**
 * Deletes requests that were closed before then, whether final or failed, and the offers that no other request accepted;
 * what each key has spent stays. A request that its caller may still repeat under its Idempotency-Key stays too.
 */
export async function compactGateway(
    writer: LedgerWriter,
    sql: Statements,
    { beforeMs, pause = noPause }: CompactOptions,
): Promise<GatewayCompaction> {
    requireOldEnough(beforeMs);
    const done = { requests: 0, offers: 0, idempotencyMarks: 0 };
    const marksBeforeMs = Math.min(Date.now() - idempotencyRetentionMs, beforeMs);
    for (let marks = idsAtOnce; marks === idsAtOnce;) {
        marks = BigInt(await inSlice(pause, () => writer.submit(() => sql.deleteMarks.run(marksBeforeMs))));
        done.idempotencyMarks += Number(marks);
    }
    for (let afterId = 0n; ;) {
        const went = await inSlice(pause, () => writer.submit(() => compactSlice(sql, { afterId, beforeMs })));
        if (went.lastId === null) return done;
        done.requests += went.requests;
        done.offers += went.offers;
        afterId = went.lastId;
    }
}

function compactSlice(sql: Statements, { afterId, beforeMs }: { afterId: bigint; beforeMs: number }) {
    const { first, last } = sql.lastOfSlice.get(afterId, beforeMs)!;
    if (first === null || last === null) return { lastId: null, requests: 0, offers: 0 };
    const old = sql.old.all(first, last, beforeMs);
    for (const row of old) {
        sql.delete.run(row.id);
        if (row.state === 'failed') sql.countFailed.run(row.sequence ?? -1n, row.cumulative_nano ?? 0n, row.stream_id);
        else sql.countFinal.run(row.cost_nano, row.sequence, row.cumulative_nano, row.stream_id);
    }
    const offers = new Set(old.flatMap(({ offer_hash: hash }) => (hash ? [toBuffer(hash).toString('hex')] : [])));
    const offersGone = [...offers].reduce((sum, hex) => sum + sql.deleteOffer.run(Buffer.from(hex, 'hex')), 0);
    return { lastId: last, requests: old.length, offers: offersGone };
}
