/**
 * Gateway side: receipts that are in no sum of a stream, since their requests are not final. They are few, so that with this
 * index the sum of what came before a receipt is known without reading all that came before it.
 */
export const unchargedSchema = `
CREATE INDEX gateway_requests_uncharged ON gateway_requests (stream_id, sequence)
    WHERE sequence IS NOT NULL AND state <> 'final';
`;
