import type { CapRaiseRecord, CapRecord, DispatchRequestState, ReceiptOutcome } from '../dispatch-records';
import { LedgerError } from '../errors';
import { type EscrowFunds, maxNano, storedNano } from '../records';
import { type Decision, deferred, type Operation } from './operations';
import { insertReceipt } from './receipt-rules';
import { setState } from './request-states';
import { isOpen, keyOf, newStream, type RequestState, type StreamState } from './states';
import type { WorkingSet } from './working-set';

type Of<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>;

/**
 * Decides one operation on what was loaded, and changes the working set. A rule first decides and then changes, so a
 * refused operation leaves no trace. Anything but a LedgerError is a fault of the program: the batch must not be saved.
 */
export function decide(set: WorkingSet, operation: Operation): Decision {
    try {
        const value = apply(set, operation);
        return value === deferred ? deferred : { value };
    } catch (error) {
        if (error instanceof LedgerError) return { error };
        throw error;
    }
}

function apply(set: WorkingSet, operation: Operation): unknown {
    switch (operation.kind) {
        case 'cap':
            return insertCap(set, operation.cap, operation.dispatcherId);
        case 'raise':
            return raiseCap(set, operation.raise);
        case 'receipt':
            return insertReceipt(set, operation.record) satisfies ReceiptOutcome | typeof deferred;
        case 'close':
            return closeRequest(set, operation);
        case 'take':
            return takeRequest(set, operation);
        case 'paid':
            return recordPaid(set, operation);
        case 'lose':
            return loseRunning(set, operation);
        case 'release':
            return releaseStream(set, operation);
    }
}

function insertCap(set: WorkingSet, cap: CapRecord, dispatcherId: string): void {
    if (set.request(cap.requestId)) throw new LedgerError('request_replayed', 'This request was received before');
    const stream = set.stream(cap) ?? newStream(cap);
    const owed = stream.latestCumulativeNano + stream.openWorstNano;
    // The node works no further than what is stated. How far the cap rises says less: it says too little where the
    // stream's former requests end cheaper than they might, and too much where one overtakes another on its way here.
    const worstCaseNano = cap.worstCaseNano ?? maxNano(0n, cap.capCumulativeNano - owed);
    requireFunds(set, { stream, riseNano: worstCaseNano, funds: cap.funds });
    set.put(stream);
    promise(set, stream, worstCaseNano);
    set.putRequest(createdRequest(stream, { cap, worstCaseNano, dispatcherId }));
    const { sessionKey, capCumulativeNano: capNano, requestHash: capHash, capSignature } = cap;
    set.raiseBestCap({ stream, sessionKey, capNano, capHash, capSignature });
}

function createdRequest(
    stream: StreamState,
    { cap, worstCaseNano, dispatcherId }: { cap: CapRecord; worstCaseNano: bigint; dispatcherId: string },
): RequestState {
    const { requestHash, offerHash, capSignature, atMs: recordedAtMs } = cap;
    return {
        key: keyOf(cap.requestId),
        requestId: Buffer.from(cap.requestId),
        stream,
        sessionKey: Buffer.from(cap.sessionKey),
        capNano: cap.capCumulativeNano,
        worstCaseNano,
        signedNano: 0n,
        allowanceNano: worstCaseNano,
        state: 'running',
        failureCode: null,
        closedAtMs: null,
        finalSequence: null,
        checkpointSequence: null,
        dispatcherId,
        changed: false,
        created: { requestHash, offerHash, capSignature, recordedAtMs },
        raisedCap: null,
    };
}

/** The highest cap of a request is kept for settling, which a raise need not be: others may have ended since. */
function raiseCap(set: WorkingSet, raise: CapRaiseRecord): 'raised' | 'known' {
    const request = requireRequest(set, raise.requestId);
    if (request.state !== 'running')
        throw new LedgerError('request_state_invalid', `The request is ${request.state}, not running`);
    if (raise.allowanceNano === request.allowanceNano) return 'known';
    if (raise.allowanceNano < request.allowanceNano)
        throw new LedgerError('cap_regression', 'The request was allowed more before');
    const { stream, sessionKey } = request;
    const riseNano = raise.allowanceNano - request.allowanceNano;
    requireFunds(set, { stream, riseNano, funds: raise.funds });
    promise(set, stream, riseNano);
    request.allowanceNano = raise.allowanceNano;
    request.worstCaseNano += riseNano;
    set.touchRequest(request);
    const { capCumulativeNano: capNano, capHash, capSignature } = raise;
    if (capNano > request.capNano) {
        request.capNano = capNano;
        request.raisedCap = { hash: capHash, signature: capSignature };
    }
    set.raiseBestCap({ stream, sessionKey, capNano, capHash, capSignature });
    return 'raised';
}

function promise(set: WorkingSet, stream: StreamState, riseNano: bigint): void {
    stream.openWorstNano += riseNano;
    set.touch(stream);
}

function requireFunds(
    set: WorkingSet,
    { stream, riseNano, funds }: { stream: StreamState; riseNano: bigint; funds: EscrowFunds },
): void {
    storedNano(stream.openWorstNano + riseNano, 'openWorstNano');
    let neededNano = owedBeyondPaid(stream, funds, riseNano);
    const { byNode } = stream.siblings ?? set.escrow(stream.escrow, stream.epoch);
    for (const other of byNode.values()) if (other !== stream) neededNano += owedBeyondPaid(other, funds);
    if (neededNano <= funds.balanceNano) return;
    throw new LedgerError('escrow_insufficient', 'The escrow can not cover this request: top it up', {
        context: { neededNano: neededNano.toString(), balanceNano: funds.balanceNano.toString() },
    });
}

type Owing = Pick<StreamState, 'nodeKeyHex' | 'latestCumulativeNano' | 'openWorstNano'>;

/** What one stream adds to the sum of the funds rule; see DispatchLedger. */
export function owedBeyondPaid(
    { nodeKeyHex, latestCumulativeNano, openWorstNano }: Owing,
    { paidNano }: Pick<EscrowFunds, 'paidNano'>,
    riseNano = 0n,
): bigint {
    return maxNano(0n, latestCumulativeNano + openWorstNano + riseNano - (paidNano.get(nodeKeyHex) ?? 0n));
}

/** One that another dispatcher took over is no longer this one's to close. */
function closeRequest(set: WorkingSet, { requestId, state, failureCode, atMs, dispatcherId }: Of<'close'>): void {
    const request = requireRequest(set, requestId);
    if (request.state !== 'final' && request.dispatcherId === dispatcherId)
        setState(set, request, { state, failureCode, atMs });
}

/** What the request has reserved stays as it is; of one that began nowhere there is nothing to take. */
function takeRequest(set: WorkingSet, { requestId, dispatcherId, atMs }: Of<'take'>): void {
    const request = requireRequest(set, requestId);
    if (request.state === 'refused' || request.state === 'failed')
        throw new LedgerError('request_state_invalid', `The request is ${request.state}: there is no answer to take`);
    if (request.state === 'lost') setState(set, request, { state: 'running', atMs });
    if (request.state === 'running') request.closedAtMs = null;
    request.dispatcherId = dispatcherId;
    set.touchRequest(request);
}

function recordPaid(set: WorkingSet, { stream: id, paidNano, transactionHash, atMs }: Of<'paid'>): void {
    let stream = set.stream(id);
    if (!stream) set.put((stream = newStream(id)));
    if (paidNano <= stream.paidNano) return;
    set.settlements.push({ stream, beforeNano: stream.paidNano, afterNano: paidNano, transactionHash, atMs });
    stream.paidNano = paidNano;
    set.touch(stream);
}

function loseRunning(set: WorkingSet, { dispatcherId, failureCode, atMs }: Of<'lose'>): number {
    return setAll(set, (request) => request.state === 'running' && request.dispatcherId === dispatcherId, {
        state: 'lost',
        failureCode,
        atMs,
    });
}

function releaseStream(set: WorkingSet, { stream: id, failureCode, atMs }: Of<'release'>): number {
    const stream = set.stream(id);
    return setAll(set, (request) => isOpen(request.state) && request.stream === stream, {
        state: 'failed',
        failureCode,
        atMs,
    });
}

function setAll(
    set: WorkingSet,
    which: (request: RequestState) => boolean,
    change: { state: DispatchRequestState; failureCode: string; atMs: number },
): number {
    const requests = [...set.allRequests()].filter(which);
    for (const request of requests) setState(set, request, change);
    return requests.length;
}

function requireRequest(set: WorkingSet, requestId: Buffer): RequestState {
    const request = set.request(requestId);
    if (!request) throw new LedgerError('request_unknown', 'No such request');
    return request;
}
