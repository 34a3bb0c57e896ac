import type { DispatchRequestState } from '../dispatch-records';
import { maxNano } from '../records';
import { isOpen, type RequestState } from './states';
import type { WorkingSet } from './working-set';

/** What no receipt of the request states yet. */
export function mayStillCost({ worstCaseNano, signedNano }: RequestState): bigint {
    return maxNano(0n, worstCaseNano - signedNano);
}

/** Frees or takes the reservation with the state. */
export function setState(
    set: WorkingSet,
    request: RequestState,
    change: { state: DispatchRequestState; failureCode?: string | null; atMs: number },
): void {
    const before = isOpen(request.state);
    const after = isOpen(change.state);
    if (before !== after) reserve(set, request, after ? mayStillCost(request) : -mayStillCost(request));
    request.state = change.state;
    request.failureCode = change.failureCode ?? null;
    request.closedAtMs = change.atMs;
    set.touchRequest(request);
}

/** What a receipt states is in the stream's sum, and no longer a case that may come. */
export function countSigned(set: WorkingSet, request: RequestState, costNano: bigint): void {
    if (costNano <= request.signedNano) return;
    const before = mayStillCost(request);
    request.signedNano = costNano;
    set.touchRequest(request);
    if (isOpen(request.state)) reserve(set, request, mayStillCost(request) - before);
}

function reserve(set: WorkingSet, { stream }: RequestState, deltaNano: bigint): void {
    stream.openWorstNano += deltaNano;
    set.touch(stream);
}
