import type { DispatchRequestState } from '../dispatch-records';
import { toBuffer } from '../records';
import type { StreamRow } from './rows';
import { keyOf, type KnownReceipt, latestKnown, type RequestState, type StreamState } from './states';

/** Columns that a batch loads, on both databases. */
export const loadedStreamColumns = `id, escrow, epoch, node_key, latest_sequence, latest_cumulative_nano, open_worst_nano, paid_nano,
    compacted_sequence`;
export const loadedRequestColumns = `request_id, stream_id, session_key, cap_nano, worst_case_nano, signed_nano,
    allowance_nano, state, failure_code, closed_at_ms, final_sequence, checkpoint_sequence, dispatcher_id`;
export const loadedReceiptColumns = 'stream_id, sequence, cumulative_nano, cost_nano, reference, session_key, final';

export interface LoadedRequestRow {
    request_id: Uint8Array;
    stream_id: bigint;
    session_key: Uint8Array;
    cap_nano: bigint;
    worst_case_nano: bigint;
    signed_nano: bigint;
    allowance_nano: bigint;
    state: DispatchRequestState;
    failure_code: string | null;
    closed_at_ms: bigint | null;
    final_sequence: bigint | null;
    checkpoint_sequence: bigint | null;
    dispatcher_id: string;
}

export interface LoadedReceiptRow {
    stream_id: bigint;
    sequence: bigint;
    cumulative_nano: bigint;
    cost_nano: bigint;
    reference: Uint8Array;
    session_key: Uint8Array;
    final: bigint;
}

export function loadedStream(row: StreamRow): StreamState {
    const nodeKey = toBuffer(row.node_key);
    const latestSequence = Number(row.latest_sequence);
    const latestCumulativeNano = row.latest_cumulative_nano;
    return {
        id: row.id,
        isNew: false,
        siblings: null,
        escrow: toBuffer(row.escrow),
        epoch: Number(row.epoch),
        nodeKey,
        nodeKeyHex: nodeKey.toString('hex'),
        latestSequence,
        latestCumulativeNano,
        openWorstNano: row.open_worst_nano,
        paidNano: row.paid_nano,
        compactedSequence: Number(row.compacted_sequence),
        loadedLatest: latestKnown({ latestSequence, latestCumulativeNano }),
        known: new Map(),
        changed: false,
    };
}

export function loadedRequest(row: LoadedRequestRow, stream: StreamState): RequestState {
    const requestId = toBuffer(row.request_id);
    return {
        key: keyOf(requestId),
        requestId,
        stream,
        sessionKey: toBuffer(row.session_key),
        capNano: row.cap_nano,
        worstCaseNano: row.worst_case_nano,
        signedNano: row.signed_nano,
        allowanceNano: row.allowance_nano,
        state: row.state,
        failureCode: row.failure_code,
        closedAtMs: numberOrNull(row.closed_at_ms),
        finalSequence: numberOrNull(row.final_sequence),
        checkpointSequence: numberOrNull(row.checkpoint_sequence),
        dispatcherId: row.dispatcher_id,
        changed: false,
        created: null,
        raisedCap: null,
    };
}

export function loadedReceipt(row: LoadedReceiptRow): KnownReceipt {
    return {
        sequence: Number(row.sequence),
        cumulativeNano: row.cumulative_nano,
        same: { costNano: row.cost_nano, reference: row.reference, sessionKey: row.session_key },
        final: row.final === 1n,
        dropped: false,
    };
}

function numberOrNull(value: bigint | null): number | null {
    return value === null ? null : Number(value);
}
