/**
 * Which requests were sent under which Idempotency-Key. Both hashes are keyed: neither key nor prompt can be told from
 * them, nor a guess at either be confirmed.
 */
export const idempotencySchema = `
CREATE TABLE gateway_idempotency (
    request_id BLOB PRIMARY KEY,
    key_hash BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX gateway_idempotency_key ON gateway_idempotency (key_hash);
CREATE INDEX gateway_idempotency_age ON gateway_idempotency (at_ms);
`;
