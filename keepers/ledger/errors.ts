import { CocoonError, type CocoonErrorOptions, type ErrorAction } from '../base';

export type LedgerErrorCode =
    /** The file can't be opened, is damaged, or was written by a newer version. */
    | 'ledger_unusable'
    /** There is no ledger where the settings say, and nobody has asked for a new one. */
    | 'ledger_missing'
    /** An older program wrote it, and nobody has asked to bring it further. */
    | 'ledger_outdated'
    /** Another process holds the write lock, or the queue is full. */
    | 'ledger_busy'
    /** The database server can't be reached. */
    | 'ledger_unavailable'
    /** A commit failed (disk full, I/O): nothing of the batch was kept. */
    | 'ledger_write_failed'
    | 'ledger_closed'
    /** An amount, key or hash has the wrong size. */
    | 'record_invalid'
    /** The request id was recorded before. */
    | 'request_replayed'
    | 'request_unknown'
    /** A raised cap allows a request no more than it was allowed before. */
    | 'cap_regression'
    /** The request is in a state that this act doesn't start from. */
    | 'request_state_invalid'
    /** Open promises would exceed what the escrow holds. */
    | 'escrow_insufficient'
    /** The key's own budget would be passed. */
    | 'budget_exhausted'
    /** A receipt doesn't fit the receipts and reservations already here. */
    | 'receipt_inconsistent'
    /** An intent whose message may still be executed can't be signed again, nor changed. */
    | 'intent_under_way'
    /** A backup is damaged, of another schema version, or would replace a ledger that is not empty. */
    | 'backup_invalid'
    /** A backup could not be written whole; one that was there before is as it was. */
    | 'backup_failed'
    /** A role works with the ledger that a backup would replace. */
    | 'ledger_in_use'
    /** A line of a node log other than the last is damaged. */
    | 'log_corrupt'
    /** Another process writes to the node log. */
    | 'log_in_use';

const actions: Record<LedgerErrorCode, ErrorAction> = {
    ledger_unusable: 'stop',
    ledger_missing: 'fix',
    ledger_outdated: 'fix',
    ledger_busy: 'retry',
    ledger_unavailable: 'retry',
    ledger_write_failed: 'retry',
    ledger_closed: 'fix',
    record_invalid: 'fix',
    request_replayed: 'fix',
    request_unknown: 'fix',
    cap_regression: 'fix',
    request_state_invalid: 'fix',
    escrow_insufficient: 'fix',
    budget_exhausted: 'fix',
    receipt_inconsistent: 'stop',
    intent_under_way: 'retry',
    backup_invalid: 'fix',
    backup_failed: 'retry',
    ledger_in_use: 'fix',
    log_corrupt: 'stop',
    log_in_use: 'fix',
};

export class LedgerError extends CocoonError<LedgerErrorCode> {
    constructor(code: LedgerErrorCode, message: string, options: Omit<CocoonErrorOptions, 'action'> = {}) {
        super(code, message, { action: actions[code], ...options });
    }
}
