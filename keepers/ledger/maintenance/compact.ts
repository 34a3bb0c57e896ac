import type { GroupCommit } from '../dispatch/group-commit';
import type { Sql } from '../dispatch/sql';
import { LedgerError } from '../errors';

export interface Compaction {
    receipts: number;
    requests: number;
    intents: number;
}

/** A request id must be known for as long as its envelope could be sent again, and evidence for as long as it slashes. */
export const minRetentionMs = 86_400_000;

const streamsAtOnce = 200;
const rowsAtOnce = 2_000;

/**
 * Deletes, a little in each transaction so that dispatchers hardly wait: receipts that the chain has paid and that came
 * before then, but never a stream's latest nor evidence; requests closed before then whose receipts are gone or that owe
 * nothing; closed intents. Streams keep counts and sums of what went, and the highest caps stay, so totals and settling
 * are as before.
 */
export async function compactLedger(writer: GroupCommit, beforeMs: number): Promise<Compaction> {
    if (beforeMs > Date.now() - minRetentionMs)
        throw new LedgerError('record_invalid', 'Rows are kept for a day at least', { context: { beforeMs } });
    const done: Compaction = { receipts: 0, requests: 0, intents: 0 };
    for (let streams = streamsAtOnce, last = 0n; streams === streamsAtOnce;) {
        const page = await writer.alone((sql) => compactStreams(sql, { afterId: last, beforeMs }));
        [streams, last] = [page.streams, page.lastId];
        done.receipts += page.receipts;
    }
    done.requests = await inSteps(writer, deleteRequests, beforeMs);
    done.intents = await inSteps(writer, deleteIntents, beforeMs);
    return done;
}

async function compactStreams(sql: Sql, page: { afterId: bigint; beforeMs: number }) {
    const streams = await sql.all<{ id: bigint; until: bigint | null }>(
        `SELECT s.id, (SELECT max(r.sequence) FROM dispatch_receipts r WHERE r.stream_id = s.id AND r.final = 1
             AND r.sequence < s.latest_sequence AND r.cumulative_nano <= s.paid_nano AND r.received_at_ms < ?) AS until
         FROM dispatch_streams s WHERE s.id > ? ORDER BY s.id LIMIT ${streamsAtOnce}`,
        [page.beforeMs, page.afterId],
    );
    let receipts = 0;
    for (const { id, until } of streams) if (until !== null) receipts += await compactStream(sql, { id, until });
    return { streams: streams.length, lastId: streams.at(-1)?.id ?? 0n, receipts };
}

async function compactStream(sql: Sql, { id, until }: { id: bigint; until: bigint }): Promise<number> {
    const gone = await sql.all<{ cost_nano: bigint; final: bigint }>(
        `DELETE FROM dispatch_receipts WHERE stream_id = ? AND sequence <= ? AND sequence NOT IN
         (SELECT kept_sequence FROM dispatch_contradictions WHERE stream_id = ?) RETURNING cost_nano, final`,
        [id, until, id],
    );
    const finals = gone.filter(({ final }) => final === 1n);
    const costNano = finals.reduce((sum, { cost_nano }) => sum + cost_nano, 0n);
    await sql.run(
        `UPDATE dispatch_streams SET compacted_sequence = ?, compacted_receipts = compacted_receipts + ?,
         compacted_cost_nano = compacted_cost_nano + ? WHERE id = ?`,
        [until, finals.length, costNano, id],
    );
    return gone.length;
}

function deleteRequests(sql: Sql, beforeMs: number): Promise<number> {
    return sql.run(
        `DELETE FROM dispatch_requests WHERE request_id IN (
             SELECT q.request_id FROM dispatch_requests q JOIN dispatch_streams s ON s.id = q.stream_id
             WHERE q.state IN ('final', 'failed', 'refused') AND q.closed_at_ms < ?
             AND (q.final_sequence IS NULL OR q.final_sequence <= s.compacted_sequence) LIMIT ${rowsAtOnce})`,
        [beforeMs],
    );
}

async function deleteIntents(sql: Sql, beforeMs: number): Promise<number> {
    const old = `state IN ('confirmed', 'abandoned') AND updated_at_ms < ?`;
    const intents = await sql.run(
        `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE ${old} ORDER BY id LIMIT ${rowsAtOnce})`,
        [beforeMs],
    );
    // The last request of each wallet stays: its slot must not be used again.
    await sql.run(
        `DELETE FROM outbox_sends WHERE fate <> 'open' AND closed_at_ms < ?
         AND id NOT IN (SELECT send_id FROM outbox WHERE send_id IS NOT NULL)
         AND id NOT IN (SELECT max(id) FROM outbox_sends GROUP BY wallet)`,
        [beforeMs],
    );
    return intents;
}

async function inSteps(
    writer: GroupCommit,
    step: (sql: Sql, beforeMs: number) => Promise<number>,
    beforeMs: number,
): Promise<number> {
    for (let total = 0; ;) {
        const rows = await writer.alone((sql) => step(sql, beforeMs));
        total += rows;
        if (rows < rowsAtOnce) return total;
    }
}
