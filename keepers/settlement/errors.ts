import { CocoonError, type CocoonErrorOptions, type ErrorAction } from '../base';

export type SettlementErrorCode =
    /** Neither a ledger nor a receipt log to settle from. */
    | 'source_missing'
    /** The log of a node is not where the settings say: it was never made, or has gone with its disk. */
    | 'log_missing'
    /** It is there, and the system does not let it be read. */
    | 'log_unreadable'
    /** The account is no hub of this network. */
    | 'hub_unknown'
    /** An escrow of a batch can't be read where its lines are to be signed. */
    | 'escrow_unreadable'
    /** Nothing of a batch was left to settle when it was to be signed. */
    | 'settled_meanwhile';

const actions: Record<SettlementErrorCode, ErrorAction> = {
    source_missing: 'fix',
    log_missing: 'fix',
    log_unreadable: 'stop',
    hub_unknown: 'fix',
    escrow_unreadable: 'retry',
    settled_meanwhile: 'retry',
};

export class SettlementError extends CocoonError<SettlementErrorCode> {
    constructor(code: SettlementErrorCode, message: string, options: Omit<CocoonErrorOptions, 'action'> = {}) {
        super(code, message, { action: actions[code], ...options });
    }
}
