import { type Database, Query } from './database';

export type GatewayRequestState = 'reserved' | 'sent' | 'final' | 'failed' | 'lost';

export interface GatewayStreamRow {
    id: bigint;
    escrow: Uint8Array;
    epoch: bigint;
    node_key: Uint8Array;
    finals_nano: bigint;
    open_nano: bigint;
    last_sequence: bigint;
    /** What compaction deleted: its highest sequence, -1 where nothing is gone, and what it came to. */
    compacted_sequence: bigint;
    compacted_cumulative_nano: bigint;
    compacted_cost_nano: bigint;
}

export interface GatewayRequestRow {
    id: bigint;
    request_id: Uint8Array;
    stream_id: bigint;
    session_key: Uint8Array;
    model: string;
    worst_case_nano: bigint;
    cap_nano: bigint;
    request_hash: Uint8Array | null;
    offer_hash: Uint8Array | null;
    cap_signature: Uint8Array | null;
    window_nano: bigint | null;
    key_name: string | null;
    state: GatewayRequestState;
    failure_code: string | null;
    reserved_at_ms: bigint;
    sent_at_ms: bigint | null;
    closed_at_ms: bigint | null;
    sequence: bigint | null;
    cost_nano: bigint | null;
    cumulative_nano: bigint | null;
    reference: Uint8Array | null;
    signature: Uint8Array | null;
    usage_hash: Uint8Array | null;
    transcript_hash: Uint8Array | null;
    usage_salt: Uint8Array | null;
    prompt_tokens: bigint | null;
    cached_prompt_tokens: bigint | null;
    completion_tokens: bigint | null;
    reasoning_tokens: bigint | null;
    model_index: bigint | null;
}

type JoinedRow = GatewayRequestRow &
    Pick<GatewayStreamRow, 'escrow' | 'epoch' | 'node_key'> & { signed_offer: Uint8Array | null };

const openColumns = [
    'id',
    'stream_id',
    'session_key',
    'worst_case_nano',
    'cap_nano',
    'key_name',
    'state',
    'failure_code',
    'reserved_at_ms',
    'closed_at_ms',
    'sequence',
    'cost_nano',
    'cumulative_nano',
    'reference',
] as const;

/** What it takes to go on with a request. */
type OpenRow = Pick<GatewayRequestRow, (typeof openColumns)[number]> &
    Pick<GatewayStreamRow, 'escrow' | 'epoch' | 'node_key'>;

/** All that the sum over an escrow's streams reads, which every reservation takes: a text costs less to hand over than bytes. */
export type OwedRow = Pick<GatewayStreamRow, 'finals_nano' | 'open_nano'> & { node_hex: string };

/** What lies around a receipt in its stream; sums and sequences only go up there. */
interface NeighboursRow {
    cumulative_before: bigint | null;
    cumulative_after: bigint | null;
    /** Of final receipts that come later in the stream. */
    finals_after: bigint | null;
    /** Of earlier receipts whose requests are not final, but the request's own. */
    uncharged_before: bigint | null;
    /** The request that has the sequence. */
    taken_by: bigint | null;
}

/** Every statement of the gateway's store, prepared once. */
export function prepareGatewayStatements(database: Database) {
    const sql = <Row = never>(text: string) => new Query<Row>(database, text);
    const joined = `SELECT q.*, s.escrow, s.epoch, s.node_key, o.signed AS signed_offer FROM gateway_requests q
        JOIN gateway_streams s ON s.id = q.stream_id LEFT JOIN gateway_offers o ON o.hash = q.offer_hash`;
    return {
        stream: sql<GatewayStreamRow>('SELECT * FROM gateway_streams WHERE escrow = ? AND epoch = ? AND node_key = ?'),
        streamById: sql<GatewayStreamRow>('SELECT * FROM gateway_streams WHERE id = ?'),
        nodesOfEscrow: sql<Pick<GatewayStreamRow, 'node_key'>>(
            'SELECT node_key FROM gateway_streams WHERE escrow = ? AND epoch = ?',
        ),
        owedOfEscrow: sql<OwedRow>(
            `SELECT lower(hex(node_key)) AS node_hex, finals_nano, open_nano FROM gateway_streams
             WHERE escrow = ? AND epoch = ?`,
        ),
        insertStream: sql('INSERT INTO gateway_streams (escrow, epoch, node_key) VALUES (?, ?, ?)'),
        addOpen: sql('UPDATE gateway_streams SET open_nano = open_nano + ? WHERE id = ?'),
        /** What was set aside becomes what was spent. */
        addFinal: sql(
            `UPDATE gateway_streams SET open_nano = open_nano - ?, finals_nano = finals_nano + ?,
             last_sequence = max(last_sequence, ?) WHERE id = ?`,
        ),
        insertRequest: sql(
            `INSERT INTO gateway_requests (request_id, stream_id, session_key, model, worst_case_nano, cap_nano, state,
             reserved_at_ms, key_name) VALUES (?, ?, ?, ?, ?, ?, 'reserved', ?, ?)`,
        ),
        insertSent: sql(
            `INSERT INTO gateway_requests (request_id, stream_id, session_key, model, worst_case_nano, cap_nano, state,
             reserved_at_ms, key_name, request_hash, offer_hash, cap_signature, sent_at_ms)
             VALUES (?, ?, ?, ?, ?, ?, 'sent', ?, ?, ?, ?, ?, ?)`,
        ),
        request: sql<JoinedRow>(`${joined} WHERE q.request_id = ?`),
        openRequest: sql<OpenRow>(
            `SELECT ${openColumns.map((name) => `q.${name}`).join(', ')}, s.escrow, s.epoch, s.node_key
             FROM gateway_requests q JOIN gateway_streams s ON s.id = q.stream_id WHERE q.request_id = ?`,
        ),
        requestsBefore: sql<JoinedRow>(`${joined} WHERE q.id < ? ORDER BY q.id DESC LIMIT ?`),
        openRequests: sql<JoinedRow>(`${joined} WHERE q.state IN ('reserved', 'sent', 'lost') ORDER BY q.id`),
        keepOffer: sql('INSERT OR IGNORE INTO gateway_offers (hash, signed) VALUES (?, ?)'),
        addSpent: sql(
            `INSERT INTO gateway_key_spend (key_name, day, spent_nano) VALUES (?, ?, ?)
             ON CONFLICT (key_name, day) DO UPDATE SET spent_nano = spent_nano + excluded.spent_nano`,
        ),
        keySpentSince: sql<{ spent: bigint | null }>(
            'SELECT sum(spent_nano) AS spent FROM gateway_key_spend WHERE key_name = ? AND day >= ?',
        ),
        keyOpen: sql<{ open: bigint | null }>(
            `SELECT sum(worst_case_nano) AS open FROM gateway_requests
             WHERE key_name = ? AND state IN ('reserved', 'sent', 'lost')`,
        ),
        widen: sql('UPDATE gateway_requests SET worst_case_nano = ? WHERE id = ?'),
        setRaised: sql('UPDATE gateway_requests SET cap_nano = ?, window_nano = ?, cap_signature = ? WHERE id = ?'),
        setClosed: sql('UPDATE gateway_requests SET state = ?, failure_code = ?, closed_at_ms = ? WHERE id = ?'),
        setReceipt: sql(
            `UPDATE gateway_requests SET state = ?, failure_code = ?, closed_at_ms = ?, sequence = ?,
             cost_nano = ?, cumulative_nano = ?, reference = ?, signature = ?, usage_hash = ?, transcript_hash = ?,
             usage_salt = ?,
             prompt_tokens = ?, cached_prompt_tokens = ?, completion_tokens = ?, reasoning_tokens = ?, model_index = ?
             WHERE id = ?`,
        ),
        newest: sql<{ id: bigint | null }>('SELECT max(id) AS id FROM gateway_requests'),
        neighbours: sql<NeighboursRow>(`SELECT
            (SELECT cumulative_nano FROM gateway_requests
             WHERE stream_id = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT 1) AS cumulative_before,
            (SELECT cumulative_nano FROM gateway_requests
             WHERE stream_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1) AS cumulative_after,
            (SELECT sum(cost_nano) FROM gateway_requests
             WHERE stream_id = ?1 AND sequence > ?2 AND state = 'final') AS finals_after,
            (SELECT sum(cost_nano) FROM gateway_requests
             WHERE stream_id = ?1 AND sequence < ?2 AND state <> 'final' AND id <> ?3) AS uncharged_before,
            (SELECT id FROM gateway_requests WHERE stream_id = ?1 AND sequence = ?2) AS taken_by`),
        totals: sql<{ state: GatewayRequestState; requests: bigint; cost: bigint | null; worst: bigint | null }>(
            `SELECT state, count(*) AS requests, sum(cost_nano) FILTER (WHERE state = 'final') AS cost,
             sum(worst_case_nano) AS worst
             FROM gateway_requests GROUP BY state`,
        ),
        compactedTotals: sql<{ finals: bigint | null; failed: bigint | null; cost: bigint | null }>(
            `SELECT sum(compacted_finals) AS finals, sum(compacted_failed) AS failed, sum(compacted_cost_nano) AS cost
             FROM gateway_streams`,
        ),
    };
}

export type GatewayStatements = ReturnType<typeof prepareGatewayStatements>;
export type GatewayJoinedRow = JoinedRow;
export type GatewayOpenRow = OpenRow;
