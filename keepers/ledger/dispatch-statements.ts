import { type Database, Query } from './database';

export type DispatchRequestState = 'running' | 'final' | 'failed' | 'refused' | 'lost';

export interface StreamRow {
    id: bigint;
    escrow: Uint8Array;
    epoch: bigint;
    node_key: Uint8Array;
    latest_receipt_id: bigint | null;
    latest_sequence: bigint;
    latest_cumulative_nano: bigint;
    open_worst_nano: bigint;
    paid_nano: bigint;
}

export interface RequestRow {
    id: bigint;
    request_id: Uint8Array;
    request_hash: Uint8Array;
    stream_id: bigint;
    session_key: Uint8Array;
    offer_hash: Uint8Array;
    cap_nano: bigint;
    cap_signature: Uint8Array;
    worst_case_nano: bigint;
    /** Highest cost that a receipt of the request states. */
    signed_nano: bigint;
    cap_hash: Uint8Array | null;
    allowance_nano: bigint;
    state: DispatchRequestState;
    failure_code: string | null;
    recorded_at_ms: bigint;
}

export interface ReceiptRow {
    id: bigint;
    stream_id: bigint;
    request_id: Uint8Array | null;
    session_key: Uint8Array;
    sequence: bigint;
    cost_nano: bigint;
    cumulative_nano: bigint;
    reference: Uint8Array;
    signature: Uint8Array;
    usage_hash: Uint8Array;
    transcript_hash: Uint8Array;
    final: bigint;
    received_at_ms: bigint;
}

export type ContradictionRow = Omit<ReceiptRow, 'usage_hash' | 'transcript_hash' | 'final' | 'request_id'> & {
    receipt_id: bigint;
};

/** The highest cap under the session key that the receipt names; the chain pairs them by that key. */
const bestCap = `(SELECT id FROM dispatch_requests WHERE stream_id = s.id AND session_key = r.session_key
    ORDER BY cap_nano DESC LIMIT 1)`;

/** Every statement of the dispatcher's store, prepared once. */
export function prepareDispatchStatements(database: Database) {
    const sql = <Row = never>(text: string) => new Query<Row>(database, text);
    return {
        stream: sql<StreamRow>('SELECT * FROM dispatch_streams WHERE escrow = ? AND epoch = ? AND node_key = ?'),
        streamById: sql<StreamRow>('SELECT * FROM dispatch_streams WHERE id = ?'),
        streamsOfEscrow: sql<StreamRow>('SELECT * FROM dispatch_streams WHERE escrow = ? AND epoch = ?'),
        insertStream: sql('INSERT INTO dispatch_streams (escrow, epoch, node_key) VALUES (?, ?, ?)'),
        addOpenWorst: sql('UPDATE dispatch_streams SET open_worst_nano = open_worst_nano + ? WHERE id = ?'),
        setLatest: sql(
            `UPDATE dispatch_streams SET latest_receipt_id = ?, latest_sequence = ?, latest_cumulative_nano = ?
             WHERE id = ?`,
        ),
        setPaid: sql('UPDATE dispatch_streams SET paid_nano = ? WHERE id = ?'),
        insertRequest: sql(
            `INSERT INTO dispatch_requests (request_id, request_hash, stream_id, session_key, offer_hash, cap_nano,
             cap_signature, worst_case_nano, allowance_nano, state, recorded_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'running', ?)`,
        ),
        request: sql<RequestRow>('SELECT * FROM dispatch_requests WHERE request_id = ?'),
        setSigned: sql('UPDATE dispatch_requests SET signed_nano = ? WHERE id = ?'),
        setAllowance: sql(
            'UPDATE dispatch_requests SET allowance_nano = ?, worst_case_nano = worst_case_nano + ? WHERE id = ?',
        ),
        setCap: sql('UPDATE dispatch_requests SET cap_nano = ?, cap_signature = ?, cap_hash = ? WHERE id = ?'),
        highestCap: sql<{ cap: bigint | null }>(
            'SELECT max(cap_nano) AS cap FROM dispatch_requests WHERE stream_id = ?',
        ),
        requestsInState: sql<RequestRow>('SELECT * FROM dispatch_requests WHERE state = ? ORDER BY id'),
        openRequests: sql<RequestRow>(
            `SELECT * FROM dispatch_requests WHERE stream_id = ? AND state IN ('running', 'lost') ORDER BY id`,
        ),
        setRequestState: sql('UPDATE dispatch_requests SET state = ?, failure_code = ?, closed_at_ms = ? WHERE id = ?'),
        receiptAt: sql<ReceiptRow>('SELECT * FROM dispatch_receipts WHERE stream_id = ? AND sequence = ?'),
        receiptById: sql<ReceiptRow>('SELECT * FROM dispatch_receipts WHERE id = ?'),
        receiptBefore: sql<ReceiptRow>(
            'SELECT * FROM dispatch_receipts WHERE stream_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1',
        ),
        receiptAfter: sql<ReceiptRow>(
            'SELECT * FROM dispatch_receipts WHERE stream_id = ? AND sequence > ? ORDER BY sequence LIMIT 1',
        ),
        receiptOfRequest: sql<ReceiptRow>(
            'SELECT * FROM dispatch_receipts WHERE request_id = ? AND final = ? ORDER BY sequence DESC LIMIT 1',
        ),
        insertReceipt: sql(
            `INSERT INTO dispatch_receipts (stream_id, request_id, session_key, sequence, cost_nano, cumulative_nano,
             reference, signature, usage_hash, transcript_hash, final, received_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ),
        promoteReceipt: sql('UPDATE dispatch_receipts SET final = 1 WHERE id = ?'),
        dropCheckpoints: sql(
            `DELETE FROM dispatch_receipts WHERE request_id = ? AND stream_id = ? AND final = 0 AND sequence < ?
             AND id NOT IN (SELECT receipt_id FROM dispatch_contradictions)`,
        ),
        insertContradiction: sql(
            `INSERT OR IGNORE INTO dispatch_contradictions (stream_id, receipt_id, session_key, sequence, cost_nano,
             cumulative_nano, reference, signature, received_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ),
        contradictions: sql<ContradictionRow>('SELECT * FROM dispatch_contradictions ORDER BY id'),
        insertSettlement: sql(
            `INSERT INTO dispatch_settlements (stream_id, paid_before_nano, paid_after_nano, transaction_hash,
             observed_at_ms) VALUES (?, ?, ?, ?, ?)`,
        ),
        settleable: sql<StreamRow & SettleableColumns>(
            `SELECT s.*, r.session_key, r.sequence, r.cost_nano, r.cumulative_nano, r.reference, r.signature,
                    r.received_at_ms, q.cap_nano, q.cap_signature,
                    coalesce(q.cap_hash, q.request_hash) AS request_hash
             FROM dispatch_streams s
             JOIN dispatch_receipts r ON r.id = s.latest_receipt_id
             JOIN dispatch_requests q ON q.id = ${bestCap}
             WHERE s.latest_cumulative_nano > s.paid_nano AND q.cap_nano > s.paid_nano ORDER BY s.id`,
        ),
        finalReceipts: sql<ReceiptRow>(
            'SELECT * FROM dispatch_receipts WHERE final = 1 AND id > ? ORDER BY id LIMIT ?',
        ),
        totals: sql<{ receipts: bigint; cost: bigint | null }>(
            'SELECT count(*) AS receipts, sum(cost_nano) AS cost FROM dispatch_receipts WHERE final = 1',
        ),
        paidTotal: sql<{ paid: bigint | null }>('SELECT sum(paid_nano) AS paid FROM dispatch_streams'),
    };
}

export interface SettleableColumns {
    session_key: Uint8Array;
    sequence: bigint;
    cost_nano: bigint;
    cumulative_nano: bigint;
    reference: Uint8Array;
    signature: Uint8Array;
    received_at_ms: bigint;
    cap_nano: bigint;
    cap_signature: Uint8Array;
    request_hash: Uint8Array;
}

export type DispatchStatements = ReturnType<typeof prepareDispatchStatements>;
