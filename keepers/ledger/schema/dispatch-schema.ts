/**
 * Dispatcher side. A stream is (escrow, epoch, node key). `open_worst_nano` is the sum of `worst_case_nano` over the
 * stream's requests in state running or lost; it is kept here so that the funds check is a few rows long.
 */
export const dispatchSchema = `
CREATE TABLE dispatch_streams (
    id INTEGER PRIMARY KEY,
    escrow BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    node_key BLOB NOT NULL,
    latest_receipt_id INTEGER,
    latest_sequence INTEGER NOT NULL DEFAULT -1,
    latest_cumulative_nano INTEGER NOT NULL DEFAULT 0,
    open_worst_nano INTEGER NOT NULL DEFAULT 0 CHECK (open_worst_nano >= 0),
    paid_nano INTEGER NOT NULL DEFAULT 0,
    UNIQUE (escrow, epoch, node_key)
) STRICT;

CREATE TABLE dispatch_requests (
    id INTEGER PRIMARY KEY,
    request_id BLOB NOT NULL UNIQUE,
    request_hash BLOB NOT NULL UNIQUE,
    stream_id INTEGER NOT NULL REFERENCES dispatch_streams (id),
    session_key BLOB NOT NULL,
    offer_hash BLOB NOT NULL,
    cap_nano INTEGER NOT NULL,
    cap_signature BLOB NOT NULL,
    worst_case_nano INTEGER NOT NULL CHECK (worst_case_nano >= 0),
    state TEXT NOT NULL CHECK (state IN ('running', 'final', 'failed', 'refused', 'lost')),
    failure_code TEXT,
    recorded_at_ms INTEGER NOT NULL,
    closed_at_ms INTEGER
) STRICT;
CREATE INDEX dispatch_requests_best_cap ON dispatch_requests (stream_id, session_key, cap_nano);
CREATE INDEX dispatch_requests_open ON dispatch_requests (stream_id) WHERE state IN ('running', 'lost');

CREATE TABLE dispatch_receipts (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES dispatch_streams (id),
    request_id BLOB,
    session_key BLOB NOT NULL,
    sequence INTEGER NOT NULL,
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
CREATE INDEX dispatch_receipts_request ON dispatch_receipts (request_id);

-- Two signed receipts that can't both be honest: the evidence that slashes a node.
CREATE TABLE dispatch_contradictions (
    id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES dispatch_streams (id),
    receipt_id INTEGER NOT NULL,
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
    stream_id INTEGER NOT NULL REFERENCES dispatch_streams (id),
    paid_before_nano INTEGER NOT NULL,
    paid_after_nano INTEGER NOT NULL,
    transaction_hash TEXT,
    observed_at_ms INTEGER NOT NULL
) STRICT;
`;
