/**
 * Step 3, gateway side: whose key asked, what each key has spent by UTC day of the reservation, and the signed offers
 * that requests accepted, so that a receipt can be checked without anyone's help.
 */
export const keySchema = `
ALTER TABLE gateway_requests ADD COLUMN key_name TEXT;
CREATE INDEX gateway_requests_open_key ON gateway_requests (key_name)
    WHERE state IN ('reserved', 'sent', 'lost') AND key_name IS NOT NULL;
CREATE TABLE gateway_key_spend (
    key_name TEXT NOT NULL,
    day TEXT NOT NULL,
    spent_nano INTEGER NOT NULL,
    PRIMARY KEY (key_name, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE gateway_offers (
    hash BLOB PRIMARY KEY,
    signed BLOB NOT NULL
) STRICT;
`;
