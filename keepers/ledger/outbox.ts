import { feeSpread, type NewSend, type OpenSend, type SendClosure, type SendJournal } from '../base';
import type { GroupCommit } from './dispatch/group-commit';
import type { Sql } from './dispatch/sql';
import { LedgerError } from './errors';
import {
    type IntentClosure,
    type NewIntent,
    openSend,
    type OutboxEntry,
    outboxEntry,
    type OutboxRow,
    type OutboxState,
    type SendRow,
} from './outbox-records';
import { spentSliceMs } from './maintenance/compact-outbox';
import { storedBytes, storedNano } from './records';

const isOpen = `state IN ('pending', 'sent')`;
const selectIntent =
    'SELECT outbox.*, outbox_sends.fate FROM outbox LEFT JOIN outbox_sends ON outbox.send_id = outbox_sends.id';
const sendColumns = 'id, wallet, slot, valid_until_sec, signed_at_sec, since_lt, body_hash, boc';

/** A keeper signs at once what it has recorded; one that has not for so long is gone. */
export const abandonedAfterMs = 300_000;

/**
 * What a keeper wants the chain to do, durable before the first attempt, and the signed requests that carry it, durable
 * before they leave. An intent is carried by one request at a time; it is free again when that request has become
 * impossible, and closed by its keeper once the chain shows what came of it. Every change names the state that it starts
 * from, so that keepers in several processes can share an outbox.
 */
export class Outbox implements SendJournal {
    constructor(
        private readonly reads: Sql,
        private readonly writer: GroupCommit,
    ) {}

    /**
     * Records the intent, or renews what the open one with the same kind and key wants.
     * Refuses `intent_under_way` while a request that may still be executed carries it, or another keeper of the same
     * outbox is about to sign it.
     */
    async record(intent: NewIntent): Promise<OutboxEntry> {
        if (intent.maxFeeNano !== undefined) storedNano(intent.maxFeeNano, 'maxFeeNano');
        return this.writer.alone(async (sql) => {
            const text = `${selectIntent} WHERE kind = ? AND intent_key = ? AND ${isOpen}`;
            const [known] = await sql.all<OutboxRow>(text, [intent.kind, intent.key]);
            if (known && (known.fate === 'open' || isAnothers(known, intent))) throw underWay(known.id);
            if (known?.fate === null) return renew(sql, known, intent);
            // What an executed request came to, its keeper should have said; a new wish makes it moot.
            if (known)
                await closeIntent(sql, known.id, { state: 'abandoned', errorCode: 'superseded', atMs: intent.atMs });
            return insert(sql, intent);
        });
    }

    /** Refuses `intent_under_way` while a request that carries it may still be executed. */
    close(id: bigint, closure: IntentClosure): Promise<void> {
        return this.writer.alone(async (sql) => {
            if ((await intentById(sql, id)).fate === 'open') throw underWay(id);
            await closeIntent(sql, id, closure);
        });
    }

    async entry(id: bigint): Promise<OutboxEntry> {
        return outboxEntry(await intentById(this.reads, id));
    }

    /** Open intents of a kind, oldest first: what a restarted process looks up on chain. */
    async open(kind: string): Promise<OutboxEntry[]> {
        const text = `${selectIntent} WHERE kind = ? AND ${isOpen} ORDER BY outbox.id`;
        return (await this.reads.all<OutboxRow>(text, [kind])).map(outboxEntry);
    }

    async closed(kind: string, query: { state: IntentClosure['state']; sinceMs: number }): Promise<OutboxEntry[]> {
        const text = `${selectIntent} WHERE kind = ? AND state = ? AND updated_at_ms >= ? ORDER BY outbox.id`;
        return (await this.reads.all<OutboxRow>(text, [kind, query.state, query.sinceMs])).map(outboxEntry);
    }

    /** How many intents of each kind are in each state, for metrics. */
    async tally(): Promise<{ kind: string; state: OutboxState; count: number }[]> {
        const text = 'SELECT kind, state, count(*) AS count FROM outbox GROUP BY kind, state ORDER BY kind, state';
        const rows = await this.reads.all<{ kind: string; state: OutboxState; count: bigint }>(text);
        return rows.map((row) => ({ ...row, count: Number(row.count) }));
    }

    /** What is open, and since when, for metrics. */
    async openByKind(): Promise<{ kind: string; count: number; oldestAtMs: number }[]> {
        const text = `SELECT kind, count(*) AS count, min(created_at_ms) AS oldest FROM outbox WHERE ${isOpen}
            GROUP BY kind ORDER BY kind`;
        const rows = await this.reads.all<{ kind: string; count: bigint; oldest: bigint }>(text);
        return rows.map(({ kind, count, oldest }) => ({ kind, count: Number(count), oldestAtMs: Number(oldest) }));
    }

    async recordSend(send: NewSend): Promise<OpenSend> {
        storedBytes(send.bodyHash, 32, 'bodyHash');
        storedNano(send.estimatedFeeNano, 'estimatedFeeNano');
        const { wallet, slot, validUntilSec, signedAtSec, sinceLt, bodyHash, boc, estimatedFeeNano, atMs } = send;
        return this.writer.alone(async (sql) => {
            const [row] = await sql.all<SendRow>(
                `INSERT INTO outbox_sends (wallet, slot, valid_until_sec, signed_at_sec, since_lt, body_hash, boc,
                 estimated_fee_nano, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ${sendColumns}`,
                [wallet, slot, validUntilSec, signedAtSec, sinceLt, bodyHash, boc, estimatedFeeNano, atMs],
            );
            for (const id of send.intentIds) await bind(sql, { id, owner: wallet, sendId: row!.id, atMs });
            return openSend(row!);
        });
    }

    /** A request that can't be executed any more frees its intents; one that was, or may have been, leaves them to their keeper. */
    closeSend(id: bigint, { fate, transactionHash, atMs }: SendClosure): Promise<void> {
        return this.writer.alone(async (sql) => {
            const closed = await sql.run(
                `UPDATE outbox_sends SET fate = ?, transaction_hash = ?, closed_at_ms = ? WHERE id = ? AND fate = 'open'`,
                [fate, transactionHash, atMs, id],
            );
            if (closed === 0) return;
            const isFree = fate === 'expired' || fate === 'overtaken';
            const change = isFree ? `state = 'pending', send_id = NULL` : 'transaction_hash = ?';
            await sql.run(
                `UPDATE outbox SET ${change}, updated_at_ms = ? WHERE send_id = ? AND ${isOpen}`,
                isFree ? [atMs, id] : [transactionHash, atMs, id],
            );
        });
    }

    async recordFee(id: bigint, feeNano: bigint): Promise<void> {
        storedNano(feeNano, 'feeNano');
        await this.writer.alone(async (sql) => {
            const text = 'SELECT estimated_fee_nano AS nano FROM outbox_sends WHERE id = ?';
            const [estimated] = await sql.all<{ nano: bigint }>(text, [id]);
            const counted = countedFeeNano(feeNano, estimated?.nano ?? 0n);
            await sql.run('UPDATE outbox_sends SET fee_nano = ? WHERE id = ?', [counted, id]);
        });
    }

    async openSends(wallet: string): Promise<OpenSend[]> {
        const text = `SELECT ${sendColumns} FROM outbox_sends WHERE wallet = ? AND fate = 'open' ORDER BY id`;
        return (await this.reads.all<SendRow>(text, [wallet])).map(openSend);
    }

    async lastSlot(wallet: string): Promise<bigint | null> {
        const text = 'SELECT slot FROM outbox_sends WHERE wallet = ? ORDER BY id DESC LIMIT 1';
        return (await this.reads.all<{ slot: bigint }>(text, [wallet]))[0]?.slot ?? null;
    }

    /** What a wallet's requests since then took, or may take; of those that compaction deleted, from the hour before on. */
    async spentNano(wallet: string, sinceMs: number): Promise<bigint> {
        const [sum] = await this.reads.all<{ nano: bigint | null }>(
            `SELECT CAST(sum(nano) AS BIGINT) AS nano FROM (
                 SELECT coalesce(fee_nano, estimated_fee_nano) AS nano FROM outbox_sends
                 WHERE wallet = ? AND created_at_ms >= ? AND fate IN ('open', 'executed', 'untraced')
                 UNION ALL SELECT nano FROM outbox_spent WHERE wallet = ? AND hour_ms > ?) AS spent`,
            [wallet, sinceMs, wallet, sinceMs - spentSliceMs],
        );
        return sum?.nano ?? 0n;
    }
}

/** Neither uses up a day's budget at once nor leaves it untouched, whatever an endpoint makes up. */
function countedFeeNano(feeNano: bigint, estimatedNano: bigint): bigint {
    if (estimatedNano === 0n) return feeNano;
    const [leastNano, mostNano] = [estimatedNano / feeSpread, estimatedNano * feeSpread];
    return feeNano < leastNano ? leastNano : feeNano > mostNano ? mostNano : feeNano;
}

async function intentById(sql: Sql, id: bigint): Promise<OutboxRow> {
    const [row] = await sql.all<OutboxRow>(`${selectIntent} WHERE outbox.id = ?`, [id]);
    if (row) return row;
    throw new LedgerError('record_invalid', `There is no intent ${id}`);
}

async function insert(sql: Sql, intent: NewIntent): Promise<OutboxEntry> {
    const { kind, key, owner, payload, maxFeeNano = null, notAfterSec = null, atMs } = intent;
    const [row] = await sql.all<{ id: bigint }>(
        `INSERT INTO outbox (kind, intent_key, owner, payload, max_fee_nano, not_after_sec, state, created_at_ms,
         updated_at_ms) VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
        [kind, key, owner, payload, maxFeeNano, notAfterSec, atMs, atMs],
    );
    if (!row) throw underWay(null);
    return outboxEntry(await intentById(sql, row.id));
}

async function renew(sql: Sql, known: OutboxRow, intent: NewIntent): Promise<OutboxEntry> {
    const { owner, payload, maxFeeNano = null, notAfterSec = null, atMs } = intent;
    const renewed = await sql.run(
        `UPDATE outbox SET owner = ?, payload = ?, max_fee_nano = ?, not_after_sec = ?, updated_at_ms = ?
         WHERE id = ? AND state = 'pending' AND owner = ?`,
        [owner, payload, maxFeeNano, notAfterSec, atMs, known.id, known.owner],
    );
    if (renewed === 0) throw underWay(known.id);
    return outboxEntry(await intentById(sql, known.id));
}

async function bind(sql: Sql, of: { id: bigint; owner: string; sendId: bigint; atMs: number }): Promise<void> {
    const bound = await sql.run(
        `UPDATE outbox SET state = 'sent', attempts = attempts + 1, send_id = ?, updated_at_ms = ?
         WHERE id = ? AND state = 'pending' AND owner = ?`,
        [of.sendId, of.atMs, of.id, of.owner],
    );
    if (bound === 0) throw underWay(of.id);
}

async function closeIntent(sql: Sql, id: bigint, closure: IntentClosure): Promise<void> {
    const { state, transactionHash = null, errorCode = null, atMs } = closure;
    await sql.run(
        `UPDATE outbox SET state = ?, transaction_hash = coalesce(?, transaction_hash), error_code = ?, updated_at_ms = ?
         WHERE id = ? AND ${isOpen}`,
        [state, transactionHash, errorCode, atMs, id],
    );
}

function isAnothers(known: OutboxRow, { owner, atMs }: NewIntent): boolean {
    return known.owner !== owner && atMs - Number(known.updated_at_ms) < abandonedAfterMs;
}

function underWay(id: bigint | null): LedgerError {
    return new LedgerError('intent_under_way', 'The intent is closed, or a request that carries it may be executed', {
        context: { intent: id?.toString() ?? null },
    });
}
