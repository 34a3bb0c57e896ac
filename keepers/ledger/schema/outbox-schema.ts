/** Messages to the chain: recorded as intents before they are sent, closed by what the chain shows. */
export const outboxSchema = `
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    intent_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'confirmed', 'abandoned')),
    attempts INTEGER NOT NULL DEFAULT 0,
    transaction_hash TEXT,
    error_code TEXT,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX outbox_open ON outbox (kind, intent_key) WHERE state IN ('pending', 'sent');
`;
