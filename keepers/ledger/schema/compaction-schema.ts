/**
 * Step 7: receipts up to this sequence were paid and compacted away; one that comes again is known, though it is no
 * longer here.
 */
export const compactionSchema = `
ALTER TABLE dispatch_streams ADD COLUMN compacted_sequence INTEGER NOT NULL DEFAULT -1;
`;
