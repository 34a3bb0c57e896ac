/**
 * Gateway side. `finals_nano` is the sum of the costs of final receipts, `open_nano` the sum of the worst cases of
 * requests in state reserved, sent or lost. The receipt's columns stay null until the final receipt arrives.
 */
export const gatewaySchema = `
CREATE TABLE gateway_streams (
    id INTEGER PRIMARY KEY,
    escrow BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    node_key BLOB NOT NULL,
    finals_nano INTEGER NOT NULL DEFAULT 0,
    open_nano INTEGER NOT NULL DEFAULT 0 CHECK (open_nano >= 0),
    last_sequence INTEGER NOT NULL DEFAULT -1,
    UNIQUE (escrow, epoch, node_key)
) STRICT;
CREATE INDEX gateway_streams_node ON gateway_streams (node_key);

CREATE TABLE gateway_requests (
    id INTEGER PRIMARY KEY,
    request_id BLOB NOT NULL UNIQUE,
    stream_id INTEGER NOT NULL REFERENCES gateway_streams (id),
    session_key BLOB NOT NULL,
    model TEXT NOT NULL,
    worst_case_nano INTEGER NOT NULL,
    cap_nano INTEGER NOT NULL,
    request_hash BLOB UNIQUE,
    offer_hash BLOB,
    cap_signature BLOB,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'sent', 'final', 'failed', 'lost')),
    failure_code TEXT,
    reserved_at_ms INTEGER NOT NULL,
    sent_at_ms INTEGER,
    closed_at_ms INTEGER,
    sequence INTEGER,
    cost_nano INTEGER,
    cumulative_nano INTEGER,
    reference BLOB,
    signature BLOB,
    usage_hash BLOB,
    transcript_hash BLOB,
    usage_salt BLOB,
    prompt_tokens INTEGER,
    cached_prompt_tokens INTEGER,
    completion_tokens INTEGER,
    reasoning_tokens INTEGER,
    model_index INTEGER
) STRICT;
CREATE UNIQUE INDEX gateway_requests_sequence ON gateway_requests (stream_id, sequence) WHERE sequence IS NOT NULL;
CREATE INDEX gateway_requests_open ON gateway_requests (state) WHERE state IN ('reserved', 'sent', 'lost');
`;
