import { LedgerError, type LedgerErrorCode } from '../ledger';
import { GatewayError } from './errors';

/** What passes once the disk has room, or whoever holds the file lets go; a sync that failed, once the gateway was started anew. */
const passing: ReadonlySet<LedgerErrorCode> = new Set([
    'ledger_busy',
    'ledger_unavailable',
    'ledger_write_failed',
    'ledger_unusable',
]);
/** Room for a disk is made by hand or by a rotation: asking sooner only adds to the load. */
const retryAfterMs = 5_000;

/** The ledger could not be written, which says nothing about what was to be written. */
export function isLedgerDown(error: unknown): error is LedgerError {
    return error instanceof LedgerError && passing.has(error.code);
}

/** Nothing was sent and nothing is owed: the caller may ask again. */
export function notRecorded(error: LedgerError): GatewayError {
    const message = `nothing was asked and nothing is owed: the gateway cannot write its ledger (${error.code}): free its disk, or try again soon`;
    return new GatewayError('ledger_unavailable', message, { retryAfterMs, cause: error });
}

/**
 * The node answered and is owed for it. An answer whose receipt is not on disk is not handed out as whole; the
 * receipt waits in memory and at the dispatcher. A client library must not ask, and pay, again by itself.
 */
export function receiptNotRecorded(error: LedgerError, requestId: string): GatewayError {
    const message = `the answer came, but the gateway cannot write its receipt (${error.code}): free its disk; GET /cocoon/receipts/${requestId} says what it cost`;
    return new GatewayError('ledger_unavailable', message, {
        retryAfterMs,
        headers: { 'x-should-retry': 'false', 'x-cocoon-receipt': requestId },
        cause: error,
    });
}
