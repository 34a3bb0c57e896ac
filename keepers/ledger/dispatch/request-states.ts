import type { DispatchRequestState } from '../dispatch-records';
import { maxNano } from '../records';
import type { RequestState } from './working-set';

/** Its worst case is reserved. */
export function isOpen(state: DispatchRequestState): boolean {
    return state === 'running' || state === 'lost';
}

/** What no receipt of the request states yet. */
export function mayStillCost({ worstCaseNano, signedNano }: RequestState): bigint {
    return maxNano(0n, worstCaseNano - signedNano);
}

/** Frees or takes the reservation with the state. */
export function setState(
    request: RequestState,
    change: { state: DispatchRequestState; failureCode?: string | null; atMs: number },
): void {
    const before = isOpen(request.state);
    const after = isOpen(change.state);
    if (before !== after) reserve(request, after ? mayStillCost(request) : -mayStillCost(request));
    request.state = change.state;
    request.failureCode = change.failureCode ?? null;
    request.closedAtMs = change.atMs;
    request.changed = true;
}

/** What a receipt states is in the stream's sum, and no longer a case that may come. */
export function countSigned(request: RequestState, costNano: bigint): void {
    if (costNano <= request.signedNano) return;
    const before = mayStillCost(request);
    request.signedNano = costNano;
    request.changed = true;
    if (isOpen(request.state)) reserve(request, mayStillCost(request) - before);
}

function reserve({ stream }: RequestState, deltaNano: bigint): void {
    stream.openWorstNano += deltaNano;
    stream.changed = true;
}
