/**
 * Step 5, dispatcher side, for both databases. What settling and the funds rule need of a stream lies in its own row
 * and in `dispatch_caps`, so that requests and receipts can be compacted away once they are settled.
 *
 * Rows refer to streams by id and to receipts by (stream, sequence), without foreign keys: a check for each row would
 * cost as much as the row, and `cocoon ledger audit` checks all of them. That no two requests share a request hash needs
 * no index, since the hash is over the request id among others (`requestHash` in docs/protocol.md).
 */
export const dispatchTables = `
-- One node's account with one escrow in one epoch. \`open_worst_nano\` is the sum of worst case - signed over the
-- stream's requests in state running or lost. What compaction deleted is counted in \`compacted_*\`.
CREATE TABLE dispatch_streams (
    id INTEGER PRIMARY KEY,
    escrow BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    node_key BLOB NOT NULL,
    latest_sequence INTEGER NOT NULL,
    latest_cumulative_nano INTEGER NOT NULL,
    open_worst_nano INTEGER NOT NULL CHECK (open_worst_nano >= 0),
    paid_nano INTEGER NOT NULL,
    compacted_receipts INTEGER NOT NULL DEFAULT 0,
    compacted_cost_nano INTEGER NOT NULL DEFAULT 0,
    UNIQUE (escrow, epoch, node_key)
) STRICT;

-- The highest cap that a session key signed for the stream: the chain pairs it with receipts that name the key.
CREATE TABLE dispatch_caps (
    stream_id INTEGER NOT NULL,
    session_key BLOB NOT NULL,
    cap_nano INTEGER NOT NULL,
    cap_hash BLOB NOT NULL,
    cap_signature BLOB NOT NULL,
    PRIMARY KEY (stream_id, session_key)
) STRICT;

-- \`cap_hash\` stands for the request hash in a raised cap, null before. \`signed_nano\` is the highest cost that a receipt
-- of the request states. \`dispatcher_id\` is who relays it.
CREATE TABLE dispatch_requests (
    request_id BLOB PRIMARY KEY,
    request_hash BLOB NOT NULL,
    stream_id INTEGER NOT NULL,
    session_key BLOB NOT NULL,
    offer_hash BLOB NOT NULL,
    cap_nano INTEGER NOT NULL,
    cap_signature BLOB NOT NULL,
    cap_hash BLOB,
    worst_case_nano INTEGER NOT NULL CHECK (worst_case_nano >= 0),
    signed_nano INTEGER NOT NULL,
    allowance_nano INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'final', 'failed', 'refused', 'lost')),
    failure_code TEXT,
    recorded_at_ms INTEGER NOT NULL,
    closed_at_ms INTEGER,
    final_sequence INTEGER,
    checkpoint_sequence INTEGER,
    dispatcher_id TEXT NOT NULL
) STRICT;
CREATE INDEX dispatch_requests_open ON dispatch_requests (stream_id) WHERE state IN ('running', 'lost');

CREATE TABLE dispatch_receipts (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    request_id BLOB,
    session_key BLOB NOT NULL,
    cost_nano INTEGER NOT NULL,
    cumulative_nano INTEGER NOT NULL,
    reference BLOB NOT NULL,
    signature BLOB NOT NULL,
    usage_hash BLOB NOT NULL,
    transcript_hash BLOB NOT NULL,
    final INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    UNIQUE (stream_id, sequence)
) STRICT;

-- A signed receipt that can't be honest beside the kept one: with it the evidence that slashes a node.
CREATE TABLE dispatch_contradictions (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    kept_sequence INTEGER NOT NULL,
    session_key BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    cost_nano INTEGER NOT NULL,
    cumulative_nano INTEGER NOT NULL,
    reference BLOB NOT NULL,
    signature BLOB NOT NULL,
    received_at_ms INTEGER NOT NULL,
    UNIQUE (stream_id, sequence, signature)
) STRICT;

-- Every rise of a stream's paid sum that was seen on chain.
CREATE TABLE dispatch_settlements (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL,
    paid_before_nano INTEGER NOT NULL,
    paid_after_nano INTEGER NOT NULL,
    transaction_hash TEXT,
    observed_at_ms INTEGER NOT NULL
) STRICT;

-- Who holds what among the processes that share this ledger, until when by the database's clock.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT;
`;

const oldTables = ['streams', 'requests', 'receipts', 'contradictions', 'settlements'];
const oldIndexes = ['requests_best_cap', 'requests_open', 'receipts_request'];

/** Makes room for the new tables. */
const setOldAside = [
    ...oldIndexes.map((name) => `DROP INDEX dispatch_${name};`),
    ...oldTables.map((name) => `ALTER TABLE dispatch_${name} RENAME TO old_${name};`),
].join('\n');

const sequenceOf = (final: 0 | 1) => `(SELECT max(r.sequence) FROM old_receipts r
    WHERE r.request_id = q.request_id AND r.stream_id = q.stream_id AND r.final = ${final})`;

const copyOld = `
CREATE INDEX old_receipts_request ON old_receipts (request_id);
INSERT INTO dispatch_streams (id, escrow, epoch, node_key, latest_sequence, latest_cumulative_nano, open_worst_nano,
    paid_nano)
    SELECT id, escrow, epoch, node_key, latest_sequence, latest_cumulative_nano, open_worst_nano, paid_nano
    FROM old_streams;
INSERT INTO dispatch_caps (stream_id, session_key, cap_nano, cap_hash, cap_signature)
    SELECT stream_id, session_key, cap_nano, hash, cap_signature FROM (
        SELECT *, coalesce(cap_hash, request_hash) AS hash,
            row_number() OVER (PARTITION BY stream_id, session_key ORDER BY cap_nano DESC) AS place FROM old_requests
    ) WHERE place = 1;
INSERT INTO dispatch_requests (request_id, request_hash, stream_id, session_key, offer_hash, cap_nano, cap_signature,
    cap_hash, worst_case_nano, signed_nano, allowance_nano, state, failure_code, recorded_at_ms, closed_at_ms,
    final_sequence, checkpoint_sequence, dispatcher_id)
    SELECT request_id, request_hash, stream_id, session_key, offer_hash, cap_nano, cap_signature, cap_hash,
        worst_case_nano, signed_nano, allowance_nano, state, failure_code, recorded_at_ms, closed_at_ms,
        ${sequenceOf(1)}, ${sequenceOf(0)}, '' FROM old_requests q ORDER BY id;
INSERT INTO dispatch_receipts (id, stream_id, sequence, request_id, session_key, cost_nano, cumulative_nano, reference,
    signature, usage_hash, transcript_hash, final, received_at_ms)
    SELECT id, stream_id, sequence, request_id, session_key, cost_nano, cumulative_nano, reference, signature,
        usage_hash, transcript_hash, final, received_at_ms FROM old_receipts ORDER BY id;
INSERT INTO dispatch_contradictions (id, stream_id, kept_sequence, session_key, sequence, cost_nano, cumulative_nano,
    reference, signature, received_at_ms)
    SELECT c.id, c.stream_id, r.sequence, c.session_key, c.sequence, c.cost_nano, c.cumulative_nano, c.reference,
        c.signature, c.received_at_ms FROM old_contradictions c JOIN old_receipts r ON r.id = c.receipt_id;
INSERT INTO dispatch_settlements (id, stream_id, paid_before_nano, paid_after_nano, transaction_hash, observed_at_ms)
    SELECT * FROM old_settlements;
`;

/** SQLite files of releases up to 0.1 have the tables of step 1 in them: their rows move over. */
export const dispatchTablesFromOld = [
    setOldAside,
    dispatchTables,
    copyOld,
    // Those that refer to others first.
    ...[...oldTables].reverse().map((name) => `DROP TABLE old_${name};`),
].join('\n');
