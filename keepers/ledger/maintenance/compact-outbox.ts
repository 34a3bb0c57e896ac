import type { GroupCommit } from '../dispatch/group-commit';
import type { Sql } from '../dispatch/sql';
import { inSlice, type Pause } from './pause';

const rowsAtOnce = 200;
const hourMs = 3_600_000;

/** Sums of what requests took are kept by slices of this length. */
export const spentSliceMs = hourMs;
/** Limits are on a day; whoever looks further back still finds a month. */
const spentForMs = 32 * 24 * hourMs;
/** What went wrong holds a settler back for two days, also after its restart. */
const failuresForMs = 50 * hourMs;

/**
 * Deletes closed intents and the signed requests that carried them. What those took stays as sums, and of each wallet
 * the last request, whose slot must not be used again.
 * @returns how many intents went
 */
export async function compactOutbox(
    writer: GroupCommit,
    { beforeMs, nowMs, pause }: { beforeMs: number; nowMs: number; pause: Pause },
): Promise<number> {
    const failedBeforeMs = Math.min(beforeMs, nowMs - failuresForMs);
    let intents = 0;
    for (let rows = rowsAtOnce; rows === rowsAtOnce; intents += rows)
        rows = await inSlice(pause, () => writer.alone((sql) => deleteIntents(sql, { beforeMs, failedBeforeMs })));
    for (let rows = rowsAtOnce; rows === rowsAtOnce;)
        rows = await inSlice(pause, () => writer.alone((sql) => foldSends(sql, beforeMs)));
    await writer.alone((sql) => sql.run('DELETE FROM outbox_spent WHERE hour_ms < ?', [nowMs - spentForMs]));
    return intents;
}

function deleteIntents(sql: Sql, ages: { beforeMs: number; failedBeforeMs: number }): Promise<number> {
    return sql.run(
        `DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE state IN ('confirmed', 'abandoned') AND updated_at_ms < ?
             AND (error_code IS NULL OR updated_at_ms < ?) ORDER BY id LIMIT ${rowsAtOnce})`,
        [ages.beforeMs, ages.failedBeforeMs],
    );
}

interface GoneSend {
    wallet: string;
    fate: string;
    created_at_ms: bigint;
    nano: bigint;
}

async function foldSends(sql: Sql, beforeMs: number): Promise<number> {
    const gone = await sql.all<GoneSend>(
        `DELETE FROM outbox_sends WHERE id IN (
             SELECT id FROM outbox_sends WHERE fate <> 'open' AND closed_at_ms < ?
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.send_id = outbox_sends.id)
             AND id NOT IN (SELECT max(id) FROM outbox_sends GROUP BY wallet) ORDER BY id LIMIT ${rowsAtOnce})
         RETURNING wallet, fate, created_at_ms, coalesce(fee_nano, estimated_fee_nano) AS nano`,
        [beforeMs],
    );
    for (const { wallet, hour, nano } of spentByHour(gone))
        await sql.run(
            `INSERT INTO outbox_spent (wallet, hour_ms, nano) VALUES (?, ?, ?)
             ON CONFLICT (wallet, hour_ms) DO UPDATE SET nano = outbox_spent.nano + excluded.nano`,
            [wallet, hour, nano],
        );
    return gone.length;
}

function spentByHour(gone: readonly GoneSend[]): Iterable<{ wallet: string; hour: bigint; nano: bigint }> {
    const sums = new Map<string, { wallet: string; hour: bigint; nano: bigint }>();
    for (const { wallet, fate, created_at_ms: createdAtMs, nano } of gone) {
        // The others took nothing, and never will.
        if (fate !== 'executed' && fate !== 'untraced') continue;
        const hour = createdAtMs - (createdAtMs % BigInt(spentSliceMs));
        const key = `${wallet} ${hour}`;
        sums.set(key, { wallet, hour, nano: nano + (sums.get(key)?.nano ?? 0n) });
    }
    return sums.values();
}
