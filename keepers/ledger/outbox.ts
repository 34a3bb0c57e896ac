import type { GroupCommit } from './dispatch/group-commit';
import type { Sql } from './dispatch/sql';

export type OutboxState = 'pending' | 'sent' | 'confirmed' | 'abandoned';

export interface OutboxEntry {
    id: bigint;
    kind: string;
    key: string;
    payload: string;
    state: OutboxState;
    attempts: number;
    transactionHash: string | null;
    errorCode: string | null;
    createdAtMs: number;
}

interface OutboxRow {
    id: bigint;
    kind: string;
    intent_key: string;
    payload: string;
    state: OutboxState;
    attempts: bigint;
    transaction_hash: string | null;
    error_code: string | null;
    created_at_ms: bigint;
}

const open = `state IN ('pending', 'sent')`;

/** Intents to send a message, durable before the first attempt. At most one open intent per (kind, key). */
export class Outbox {
    constructor(
        private readonly reads: Sql,
        private readonly writer: GroupCommit,
    ) {}

    /** Records the intent, or renews the payload of the open one with the same kind and key. */
    record(intent: { kind: string; key: string; payload: string; atMs: number }): Promise<OutboxEntry> {
        const { kind, key, payload, atMs } = intent;
        return this.writer.alone(async (sql) => {
            const [row] = await sql.all<OutboxRow>(
                `INSERT INTO outbox (kind, intent_key, payload, state, created_at_ms, updated_at_ms)
                 VALUES (?, ?, ?, 'pending', ?, ?) ON CONFLICT (kind, intent_key) WHERE ${open}
                 DO UPDATE SET payload = excluded.payload, updated_at_ms = excluded.updated_at_ms RETURNING *`,
                [kind, key, payload, atMs, atMs],
            );
            return entry(row!);
        });
    }

    /** Call before every attempt. */
    async markSent(id: bigint, atMs: number): Promise<void> {
        await this.writer.alone((sql) =>
            sql.run(
                `UPDATE outbox SET state = 'sent', attempts = attempts + 1, updated_at_ms = ? WHERE id = ? AND ${open}`,
                [atMs, id],
            ),
        );
    }

    async close(
        id: bigint,
        result: {
            state: 'confirmed' | 'abandoned';
            transactionHash?: string | null;
            errorCode?: string | null;
            atMs: number;
        },
    ): Promise<void> {
        const { state, transactionHash = null, errorCode = null, atMs } = result;
        await this.writer.alone((sql) =>
            sql.run(
                `UPDATE outbox SET state = ?, transaction_hash = ?, error_code = ?, updated_at_ms = ?
                 WHERE id = ? AND ${open}`,
                [state, transactionHash, errorCode, atMs, id],
            ),
        );
    }

    /** Open intents of a kind, oldest first: what a restarted process looks up on chain. */
    async open(kind: string): Promise<OutboxEntry[]> {
        const text = `SELECT * FROM outbox WHERE kind = ? AND ${open} ORDER BY id`;
        return (await this.reads.all<OutboxRow>(text, [kind])).map(entry);
    }
}

function entry(row: OutboxRow): OutboxEntry {
    return {
        id: row.id,
        kind: row.kind,
        key: row.intent_key,
        payload: row.payload,
        state: row.state,
        attempts: Number(row.attempts),
        transactionHash: row.transaction_hash,
        errorCode: row.error_code,
        createdAtMs: Number(row.created_at_ms),
    };
}
