import { type Database, Query } from './database';
import type { LedgerWriter } from './ledger-writer';

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

/** Intents to send a message, durable before the first attempt. At most one open intent per (kind, key). */
export class Outbox {
    private readonly findOpen: Query<OutboxRow>;
    private readonly insert: Query;
    private readonly listOpen: Query<OutboxRow>;
    private readonly setPayload: Query;
    private readonly setSent: Query;
    private readonly setClosed: Query;

    constructor(
        database: Database,
        private readonly writer: LedgerWriter,
    ) {
        const open = `state IN ('pending', 'sent')`;
        this.findOpen = new Query(database, `SELECT * FROM outbox WHERE kind = ? AND intent_key = ? AND ${open}`);
        this.insert = new Query(
            database,
            `INSERT INTO outbox (kind, intent_key, payload, state, created_at_ms, updated_at_ms)
             VALUES (?1, ?2, ?3, 'pending', ?4, ?4)`,
        );
        this.listOpen = new Query(database, `SELECT * FROM outbox WHERE kind = ? AND ${open} ORDER BY id`);
        this.setPayload = new Query(database, 'UPDATE outbox SET payload = ?, updated_at_ms = ? WHERE id = ?');
        this.setSent = new Query(
            database,
            `UPDATE outbox SET state = 'sent', attempts = attempts + 1, updated_at_ms = ? WHERE id = ? AND ${open}`,
        );
        this.setClosed = new Query(
            database,
            `UPDATE outbox SET state = ?, transaction_hash = ?, error_code = ?, updated_at_ms = ? WHERE id = ? AND ${open}`,
        );
    }

    /** Records the intent, or renews the payload of the open one with the same kind and key. */
    record(intent: { kind: string; key: string; payload: string; atMs: number }): Promise<OutboxEntry> {
        return this.writer.submit(() => {
            const known = this.findOpen.get(intent.kind, intent.key);
            if (known) this.setPayload.run(intent.payload, intent.atMs, known.id);
            else this.insert.run(intent.kind, intent.key, intent.payload, intent.atMs);
            return entry(this.findOpen.get(intent.kind, intent.key)!);
        });
    }

    /** Call before every attempt. */
    markSent(id: bigint, atMs: number): Promise<void> {
        return this.writer.submit(() => void this.setSent.run(atMs, id));
    }

    close(
        id: bigint,
        result: {
            state: 'confirmed' | 'abandoned';
            transactionHash?: string | null;
            errorCode?: string | null;
            atMs: number;
        },
    ): Promise<void> {
        return this.writer.submit(
            () =>
                void this.setClosed.run(
                    result.state,
                    result.transactionHash ?? null,
                    result.errorCode ?? null,
                    result.atMs,
                    id,
                ),
        );
    }

    /** Open intents of a kind, oldest first: what a restarted process looks up on chain. */
    async open(kind: string): Promise<OutboxEntry[]> {
        return this.listOpen.all(kind).map(entry);
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
