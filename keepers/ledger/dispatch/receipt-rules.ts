import type { ReceiptOutcome, ReceiptRecord } from '../dispatch-records';
import { LedgerError } from '../errors';
import { deferred } from './operations';
import { countSigned, setState } from './request-states';
import { type KnownReceipt, newStream, type RequestState, type StreamState } from './states';
import type { WorkingSet } from './working-set';

interface Neighbours {
    at?: KnownReceipt;
    before?: KnownReceipt;
    after?: KnownReceipt;
}

export function insertReceipt(set: WorkingSet, record: ReceiptRecord): ReceiptOutcome | typeof deferred {
    const { receipt } = record;
    const id = { escrow: record.escrow, epoch: record.epoch, nodeKey: receipt.nodeKey };
    const stream = set.stream(id) ?? newStream(id);
    const request = record.requestId ? set.request(record.requestId) : undefined;
    if (request && request.stream !== stream)
        throw new LedgerError('receipt_inconsistent', 'The receipt is of another account than its request');
    if (receipt.sequence <= stream.compactedSequence) return 'known';
    const neighbours = neighboursOf(stream, receipt.sequence);
    if (neighbours === deferred) return deferred;
    set.put(stream);
    const { at } = neighbours;
    if (at && isSame(at, record)) return repeatReceipt(set, { stream, known: at, request, record });
    const rival = at ?? nonMonotone(neighbours, receipt.cumulativeNano);
    if (rival) return keepContradiction(set, stream, { keptSequence: rival.sequence, record });
    if (request) dropCheckpoint(set, request, receipt.sequence);
    store(set, stream, record);
    if (request) noteReceipt(set, request, record);
    return 'recorded';
}

/** Nearest receipts of the stream; deferred when the nearest was dropped by this very batch. */
function neighboursOf(stream: StreamState, sequence: number): Neighbours | typeof deferred {
    // Nearly always: the newest receipt so far.
    if (sequence > stream.latestSequence) {
        if (stream.latestSequence < 0) return {};
        return { before: knownLatest(stream) };
    }
    const found: Neighbours = {};
    for (const known of [...stream.known.values(), ...(stream.loadedLatest ? [stream.loadedLatest] : [])]) {
        if (known.sequence === sequence) found.at ??= known;
        else if (known.sequence < sequence && known.sequence > (found.before?.sequence ?? -1)) found.before = known;
        else if (known.sequence > sequence && known.sequence < (found.after?.sequence ?? Infinity)) found.after = known;
    }
    return [found.at, found.before, found.after].some((known) => known?.dropped) ? deferred : found;
}

function knownLatest(stream: StreamState): KnownReceipt {
    const { latestSequence: sequence, latestCumulativeNano: cumulativeNano } = stream;
    return stream.known.get(sequence) ?? { sequence, cumulativeNano, final: true, dropped: false };
}

function isSame({ cumulativeNano, same }: KnownReceipt, { receipt }: ReceiptRecord): boolean {
    return (
        same !== undefined &&
        cumulativeNano === receipt.cumulativeNano &&
        same.costNano === receipt.costNano &&
        receipt.reference.equals(same.reference) &&
        receipt.sessionKey.equals(same.sessionKey)
    );
}

/** A higher sequence with a lower cumulative, in either direction. */
function nonMonotone({ before, after }: Neighbours, cumulativeNano: bigint): KnownReceipt | undefined {
    if (before && before.cumulativeNano > cumulativeNano) return before;
    return after && after.cumulativeNano < cumulativeNano ? after : undefined;
}

function repeatReceipt(
    set: WorkingSet,
    {
        stream,
        known,
        request,
        record,
    }: {
        stream: StreamState;
        known: KnownReceipt;
        request: RequestState | null | undefined;
        record: ReceiptRecord;
    },
): ReceiptOutcome {
    if (!record.final || known.final) return 'known';
    known.final = true;
    set.promoted.push({ stream, sequence: known.sequence });
    if (request) finish(set, request, record);
    return 'known';
}

function keepContradiction(
    set: WorkingSet,
    stream: StreamState,
    contradiction: { keptSequence: number; record: ReceiptRecord },
): ReceiptOutcome {
    set.contradictions.push({ stream, ...contradiction });
    return 'contradicts';
}

/** A newer receipt of the request replaces its checkpoint, unless that is evidence. */
function dropCheckpoint(set: WorkingSet, request: RequestState, sequence: number): void {
    const { stream, checkpointSequence } = request;
    if (checkpointSequence === null || checkpointSequence >= sequence) return;
    request.checkpointSequence = null;
    set.touchRequest(request);
    set.dropped.push({ stream, sequence: checkpointSequence });
    for (const known of [stream.known.get(checkpointSequence), stream.loadedLatest])
        if (known?.sequence === checkpointSequence) set.dropReceipt(stream, known);
}

function store(set: WorkingSet, stream: StreamState, record: ReceiptRecord): void {
    const { sequence, cumulativeNano, costNano, reference, sessionKey } = record.receipt;
    const same = { costNano, reference, sessionKey };
    const known = { sequence, cumulativeNano, same, final: record.final, dropped: false };
    set.noteReceipt(stream, known);
    set.newReceipts.push({ stream, record, known });
    if (sequence <= stream.latestSequence) return;
    stream.latestSequence = sequence;
    stream.latestCumulativeNano = cumulativeNano;
    set.touch(stream);
}

function noteReceipt(set: WorkingSet, request: RequestState, record: ReceiptRecord): void {
    const { sequence, costNano } = record.receipt;
    countSigned(set, request, costNano);
    if (record.final) return finish(set, request, record);
    if (request.finalSequence !== null || sequence <= (request.checkpointSequence ?? -1)) return;
    request.checkpointSequence = sequence;
    set.touchRequest(request);
}

function finish(set: WorkingSet, request: RequestState, { receipt: { sequence }, receivedAtMs }: ReceiptRecord): void {
    if (request.checkpointSequence === sequence) request.checkpointSequence = null;
    if (sequence > (request.finalSequence ?? -1)) request.finalSequence = sequence;
    set.touchRequest(request);
    if (request.state !== 'final') setState(set, request, { state: 'final', atMs: receivedAtMs });
}
