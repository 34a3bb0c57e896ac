/**
 * Step 9, what compaction needs. Requests that never got a receipt have nothing that leads to them but their age; those
 * with one go together with it, so that the hot path has no further index to keep.
 *
 * `outbox_spent`: what signed requests that are no longer here took, by the hour of their signing, since an operator's
 * limit is on a day.
 */
const shared = `
CREATE INDEX dispatch_requests_unserved ON dispatch_requests (closed_at_ms) WHERE state IN ('failed', 'refused');
CREATE TABLE outbox_spent (
    wallet TEXT NOT NULL,
    hour_ms INTEGER NOT NULL,
    nano INTEGER NOT NULL,
    PRIMARY KEY (wallet, hour_ms)
) STRICT;
`;

/** Gateway side: what compaction deleted of a stream, so that sums and the checks of its next receipts are as before. */
const gateway = `
ALTER TABLE gateway_streams ADD COLUMN compacted_sequence INTEGER NOT NULL DEFAULT -1;
ALTER TABLE gateway_streams ADD COLUMN compacted_cumulative_nano INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gateway_streams ADD COLUMN compacted_cost_nano INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gateway_streams ADD COLUMN compacted_finals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gateway_streams ADD COLUMN compacted_failed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX gateway_requests_offer ON gateway_requests (offer_hash);
`;

export const retentionSchema = { sqlite: shared + gateway, postgres: shared };
