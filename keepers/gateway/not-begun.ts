import type { DispatcherRefusal } from './dispatcher-client';
import { GatewayError } from './errors';
import { DialFailed } from './relay-link';

/** The node did not begin; another may. */
export class NotBegun extends Error {
    constructor(readonly refusal: Pick<DispatcherRefusal, 'code' | 'message' | 'nodeCode' | 'retryAfterMs'>) {
        super(refusal.message);
    }
}

/** Refusals that say something new about the escrow itself. */
export const aboutEscrow = new Set(['escrow_unknown', 'session_unknown']);

const connectFailures = new Set([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
]);

/** No connection came about, so not a byte of the request left this machine. */
export function neverConnected(error: unknown): boolean {
    if (error instanceof DialFailed) return true;
    const code = (error as { code?: unknown } | null)?.code;
    return typeof code === 'string' && connectFailures.has(code);
}

/** Refusals that leave open whether the node began; an answer that is none of the dispatcher's own is one of them. */
export const mayHaveBegun = new Set(['node_lost', 'deadline_passed', 'unreadable']);

export function deadlinePassed(): GatewayError {
    return new GatewayError('request_timeout', 'the deadline passed before a node began to answer');
}

/** So much too early, and the clocks differ. */
const clockToleranceMs = 2_000;

/** A dispatcher says that the deadline has passed, which is `leftMs` away by the clock here. */
export function tooLate(leftMs: number): GatewayError | NotBegun {
    if (leftMs <= clockToleranceMs) return deadlinePassed();
    const leftSec = Math.round(leftMs / 1_000);
    return new NotBegun({
        code: 'dispatcher_unavailable',
        message: `the dispatcher says that the deadline has passed, ${leftSec} s before it does by this gateway's clock: set both clocks right, or allow more time`,
    });
}

/** What the caller is told when no node took the request. */
export function notServed(last: NotBegun | undefined): GatewayError {
    if (last === undefined)
        return new GatewayError('capacity_exhausted', 'no node is free for this request', { retryAfterMs: 1_000 });
    const { code, nodeCode, message, retryAfterMs } = last.refusal;
    if (code === 'node_busy' || code === 'link_full' || nodeCode === 'node_busy')
        return new GatewayError('capacity_exhausted', message, { retryAfterMs: retryAfterMs ?? 1_000 });
    if (code === 'escrow_insufficient') return new GatewayError('escrow_insufficient', message);
    if (code === 'escrow_unknown' || code === 'session_unknown')
        return new GatewayError('escrow_not_open', `the dispatcher does not take this escrow: ${message}`);
    if (code === 'dispatcher_unavailable')
        return new GatewayError('dispatcher_unavailable', message, { retryAfterMs: 1_000 });
    return new GatewayError('node_failed', `no node took the request; the last one said: ${message}`, {
        retryAfterMs: retryAfterMs ?? 1_000,
    });
}
