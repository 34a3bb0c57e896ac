import { errorMessage } from '../../base';
import { LedgerError } from '../errors';

/** The connection or the server is gone; the transaction may be tried again on another one. */
export function isConnectionLost(error: unknown): boolean {
    const code = codeOf(error);
    // The driver's own errors have no code: the socket ended, or nobody answered in time.
    if (code === undefined)
        return error instanceof Error && /connect|terminat|not queryable|closed|timeout expired/i.test(error.message);
    if (/^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_)/.test(code)) return true;
    // 08: connection exceptions; 57P: shutting down or starting up; 53300: too many connections; 25P03: idle for too long.
    return /^(08|57P0)/.test(code) || code === '53300' || code === '25P03';
}

/**
 * Another transaction was in the way: 40 deadlock or serialization, 55P03 lock timeout, 23505 a key that another one
 * inserted since this one looked.
 */
export function isConflict(error: unknown): boolean {
    const code = codeOf(error) ?? '';
    return /^40/.test(code) || code === '55P03' || code === '23505';
}

export function ledgerFailure(error: unknown): LedgerError {
    if (error instanceof LedgerError) return error;
    if (isConnectionLost(error))
        return new LedgerError('ledger_unavailable', `The ledger's database can't be reached: ${errorMessage(error)}`, {
            cause: error,
        });
    if (isConflict(error))
        return new LedgerError('ledger_busy', 'Other processes hold what this transaction needs', { cause: error });
    return new LedgerError('ledger_write_failed', `The ledger could not commit: ${errorMessage(error)}`, {
        cause: error,
    });
}

function codeOf(error: unknown): string | undefined {
    if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
    return typeof error.code === 'string' ? error.code : undefined;
}
