/**
 * Step 6: the signed requests that carry intents, recorded before they leave. A send is open until the chain shows its
 * fate; until then none of its intents may be signed again. `owner` is the wallet of the keeper that recorded the intent. `fee_nano` is what the trace took, null while unknown.
 */
export const sendSchema = `
CREATE TABLE outbox_sends (
    id INTEGER PRIMARY KEY,
    wallet TEXT NOT NULL,
    slot INTEGER NOT NULL,
    valid_until_sec INTEGER NOT NULL,
    signed_at_sec INTEGER NOT NULL,
    since_lt INTEGER NOT NULL,
    body_hash BLOB NOT NULL,
    boc BLOB NOT NULL,
    fate TEXT NOT NULL DEFAULT 'open' CHECK (fate IN ('open', 'executed', 'expired', 'overtaken', 'untraced')),
    transaction_hash TEXT,
    estimated_fee_nano INTEGER NOT NULL,
    fee_nano INTEGER,
    created_at_ms INTEGER NOT NULL,
    closed_at_ms INTEGER
) STRICT;
CREATE INDEX outbox_sends_open ON outbox_sends (wallet) WHERE fate = 'open';
CREATE INDEX outbox_sends_age ON outbox_sends (wallet, created_at_ms);
ALTER TABLE outbox ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN send_id INTEGER REFERENCES outbox_sends (id);
ALTER TABLE outbox ADD COLUMN max_fee_nano INTEGER;
ALTER TABLE outbox ADD COLUMN not_after_sec INTEGER;
CREATE INDEX outbox_send ON outbox (send_id) WHERE send_id IS NOT NULL;
CREATE INDEX outbox_age ON outbox (kind, updated_at_ms);
`;
