import type { GroupCommit } from '../dispatch/group-commit';
import type { Sql } from '../dispatch/sql';
import { inSlice, type Pause } from './pause';

const streamsAtOnce = 200;
const receiptsAtOnce = 100;

interface StreamPlace {
    id: bigint;
    latest_sequence: bigint;
    paid_nano: bigint;
    compacted_sequence: bigint;
}

export interface CompactedReceipts {
    receipts: number;
    requests: number;
}

/**
 * Deletes, from the oldest on, receipts that the chain has paid and that came before then, and with each the request that
 * it ended; never a stream's latest, nor one that is evidence. The stream keeps their count, sum and highest sequence.
 * What can go is read beside the writer, which then only deletes.
 */
export async function compactStreams(
    reads: Sql,
    writer: GroupCommit,
    { beforeMs, pause }: { beforeMs: number; pause: Pause },
): Promise<CompactedReceipts> {
    const done = { receipts: 0, requests: 0 };
    for (let afterId = 0n; ;) {
        const page = await inSlice(pause, () =>
            reads.all<StreamPlace>(
                `SELECT id, latest_sequence, paid_nano, compacted_sequence FROM dispatch_streams
                 WHERE id > ? ORDER BY id LIMIT ${streamsAtOnce}`,
                [afterId],
            ),
        );
        for (const stream of page) await compactStream(stream, done);
        if (page.length < streamsAtOnce) return done;
        afterId = page.at(-1)!.id;
    }

    async function compactStream(stream: StreamPlace, sum: CompactedReceipts): Promise<void> {
        for (let from = stream.compacted_sequence; ;) {
            const old = await oldReceipts(reads, { ...stream, compacted_sequence: from }, beforeMs);
            if (old.length === 0) return;
            const until = old.at(-1)!;
            const went = await inSlice(pause, () =>
                writer.alone((sql) => deleteReceipts(sql, { id: stream.id, from, until })),
            );
            sum.receipts += went.receipts;
            sum.requests += went.requests;
            if (old.length < receiptsAtOnce) return;
            from = until;
        }
    }
}

/** Sequences of the next that can go, in order: the first that can not ends them. */
async function oldReceipts(reads: Sql, stream: StreamPlace, beforeMs: number): Promise<bigint[]> {
    const rows = await reads.all<{ sequence: bigint; cumulative_nano: bigint; received_at_ms: bigint }>(
        `SELECT sequence, cumulative_nano, received_at_ms FROM dispatch_receipts
         WHERE stream_id = ? AND sequence > ? AND sequence < ? ORDER BY sequence LIMIT ${receiptsAtOnce}`,
        [stream.id, stream.compacted_sequence, stream.latest_sequence],
    );
    const end = rows.findIndex(
        ({ cumulative_nano: nano, received_at_ms: atMs }) => nano > stream.paid_nano || atMs >= BigInt(beforeMs),
    );
    return (end < 0 ? rows : rows.slice(0, end)).map(({ sequence }) => sequence);
}

async function deleteReceipts(
    sql: Sql,
    { id, from, until }: { id: bigint; from: bigint; until: bigint },
): Promise<CompactedReceipts> {
    // First, so that of two replicas only one goes on.
    const mine = await sql.run(
        'UPDATE dispatch_streams SET compacted_sequence = ? WHERE id = ? AND compacted_sequence = ?',
        [until, id, from],
    );
    if (mine === 0) return { receipts: 0, requests: 0 };
    const requests = await sql.run(
        `DELETE FROM dispatch_requests WHERE state = 'final' AND final_sequence <= ? AND request_id IN (
             SELECT request_id FROM dispatch_receipts WHERE stream_id = ? AND sequence > ? AND sequence <= ?)`,
        [until, id, from, until],
    );
    const gone = await sql.all<{ cost_nano: bigint; final: bigint }>(
        `DELETE FROM dispatch_receipts WHERE stream_id = ? AND sequence > ? AND sequence <= ? AND sequence NOT IN
         (SELECT kept_sequence FROM dispatch_contradictions WHERE stream_id = ?) RETURNING cost_nano, final`,
        [id, from, until, id],
    );
    const finals = gone.filter(({ final }) => final === 1n);
    const costNano = finals.reduce((sum, { cost_nano }) => sum + cost_nano, 0n);
    await sql.run(
        `UPDATE dispatch_streams SET compacted_receipts = compacted_receipts + ?,
         compacted_cost_nano = compacted_cost_nano + ? WHERE id = ?`,
        [finals.length, costNano, id],
    );
    return { receipts: gone.length, requests };
}
