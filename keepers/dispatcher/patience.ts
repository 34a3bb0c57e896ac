import { timeLimit, type TimeLimit } from '../base';
import { DispatchError } from '../dispatch';

export function gatewayGone(): DispatchError {
    return new DispatchError('deadline_passed', 'the gateway went away');
}

function late(): DispatchError {
    return new DispatchError('deadline_passed', 'the deadline passed while the request waited for the node');
}

/** Aborts when nobody would use the answer any more: the gateway has gone or the deadline is over. */
export function patienceOf(cancelled: AbortSignal, leftMs: number): TimeLimit {
    return timeLimit(cancelled, leftMs, { late, gone: gatewayGone });
}
