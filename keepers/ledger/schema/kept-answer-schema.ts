/**
 * Gateway side: whole answers that were given under an Idempotency-Key, sealed under a key that is made of what the caller
 * brings, and of which nothing is kept.
 */
export const keptAnswerSchema = `
CREATE TABLE gateway_answers (
    key_hash BLOB PRIMARY KEY,
    sealed BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX gateway_answers_age ON gateway_answers (at_ms);
`;
