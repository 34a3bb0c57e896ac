import type { GroupCommit } from '../dispatch/group-commit';
import type { Sql } from '../dispatch/sql';
import { LedgerError } from '../errors';
import { compactOutbox } from './compact-outbox';
import { compactStreams } from './compact-streams';
import { inSlice, noPause, type Pause } from './pause';

export interface Compaction {
    receipts: number;
    requests: number;
    settlements: number;
    intents: number;
}

export interface CompactOptions {
    beforeMs: number;
    /** Between two slices. */
    pause?: Pause;
}

/** A request id must be known for as long as its envelope could be sent again: an hour and some minutes, see admission. */
export const minRetentionMs = 2 * 3_600_000;

const rowsAtOnce = 200;

/** @throws LedgerError where what went before then is younger than anything may go */
export function requireOldEnough(beforeMs: number): void {
    if (beforeMs > Date.now() - minRetentionMs)
        throw new LedgerError('record_invalid', 'Rows are kept for two hours at least', { context: { beforeMs } });
}

/**
 * Deletes, a little in each transaction so that dispatchers hardly wait: receipts that the chain has paid and that came
 * before then, but never a stream's latest nor evidence; their requests, and those closed before then that owe nothing;
 * payments seen before then; closed intents. Streams keep counts and sums of what went, and the highest caps stay, so
 * totals and settling are as before.
 */
export async function compactLedger(
    reads: Sql,
    writer: GroupCommit,
    { beforeMs, pause = noPause }: CompactOptions,
): Promise<Compaction> {
    requireOldEnough(beforeMs);
    const { receipts, requests } = await compactStreams(reads, writer, { beforeMs, pause });
    const repeat = (step: (sql: Sql) => Promise<number>) => untilDone(writer, pause, step);
    const unserved = await repeat((sql) => deleteUnserved(sql, beforeMs));
    const settlements = await repeat((sql) => deleteSettlements(sql, beforeMs));
    const intents = await compactOutbox(writer, { beforeMs, nowMs: Date.now(), pause });
    return { receipts, requests: requests + unserved, settlements, intents };
}

/** Requests that ended without a receipt. */
function deleteUnserved(sql: Sql, beforeMs: number): Promise<number> {
    return sql.run(
        `DELETE FROM dispatch_requests WHERE request_id IN (
             SELECT request_id FROM dispatch_requests WHERE state IN ('failed', 'refused') AND closed_at_ms < ?
             ORDER BY closed_at_ms LIMIT ${rowsAtOnce})`,
        [beforeMs],
    );
}

/** From the first on, until one is younger: they are numbered as they were seen. */
async function deleteSettlements(sql: Sql, beforeMs: number): Promise<number> {
    const oldest = await sql.all<{ id: bigint; observed_at_ms: bigint }>(
        `SELECT id, observed_at_ms FROM dispatch_settlements ORDER BY id LIMIT ${rowsAtOnce}`,
    );
    const young = oldest.findIndex(({ observed_at_ms: atMs }) => atMs >= BigInt(beforeMs));
    const last = young < 0 ? oldest.at(-1) : oldest[young - 1];
    return last === undefined ? 0 : sql.run('DELETE FROM dispatch_settlements WHERE id <= ?', [last.id]);
}

async function untilDone(writer: GroupCommit, pause: Pause, step: (sql: Sql) => Promise<number>): Promise<number> {
    for (let total = 0; ;) {
        const rows = await inSlice(pause, () => writer.alone(step));
        total += rows;
        if (rows < rowsAtOnce) return total;
    }
}
