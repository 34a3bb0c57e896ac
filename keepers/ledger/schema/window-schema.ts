/**
 * Step 2. Dispatcher: `signed_nano` is the highest cost that a receipt of the request states; from here on
 * `open_worst_nano` is the sum of worst case - signed over the stream's open requests, so that what a checkpoint
 * already put into the latest receipt is not counted twice. `cap_hash` stands for `h` in a raised cap, null before.
 * Gateway: `window_nano` is the allowance that the raised cap names, null for a cap over `h` itself.
 */
export const windowSchema = `
ALTER TABLE dispatch_requests ADD COLUMN signed_nano INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dispatch_requests ADD COLUMN cap_hash BLOB;
ALTER TABLE dispatch_requests ADD COLUMN allowance_nano INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gateway_requests ADD COLUMN window_nano INTEGER;
`;
