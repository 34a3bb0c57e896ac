import type { ReceiptTail } from '../../../wrappers';
import type { DispatchRequest, DispatchRequestState, Settleable, StoredReceipt } from '../dispatch-records';
import { type SignedReceipt, type StreamId, toBuffer } from '../records';

/** Rows as both databases return them: integers as bigint. */
export interface StreamRow {
    id: bigint;
    escrow: Uint8Array;
    epoch: bigint;
    node_key: Uint8Array;
    latest_sequence: bigint;
    latest_cumulative_nano: bigint;
    open_worst_nano: bigint;
    paid_nano: bigint;
    compacted_sequence: bigint;
}

interface TailRow {
    session_key: Uint8Array;
    sequence: bigint;
    cost_nano: bigint;
    cumulative_nano: bigint;
    reference: Uint8Array;
    signature: Uint8Array;
    received_at_ms: bigint;
}

type StreamIdRow = Pick<StreamRow, 'escrow' | 'epoch' | 'node_key'>;

/** A receipt, with whose it is. */
export interface ReceiptRow extends TailRow, StreamIdRow {
    id: bigint;
    request_id: Uint8Array | null;
    usage_hash: Uint8Array;
    transcript_hash: Uint8Array;
    final: bigint;
}

export interface RequestRow extends StreamIdRow {
    request_id: Uint8Array;
    request_hash: Uint8Array;
    stream_id: bigint;
    session_key: Uint8Array;
    offer_hash: Uint8Array;
    cap_nano: bigint;
    cap_signature: Uint8Array;
    worst_case_nano: bigint;
    state: DispatchRequestState;
    failure_code: string | null;
    recorded_at_ms: bigint;
    final_sequence: bigint | null;
    checkpoint_sequence: bigint | null;
    dispatcher_id: string;
}

export type ContradictionRow = TailRow & StreamIdRow & { stream_id: bigint; kept_sequence: bigint };

export type SettleableRow = TailRow &
    StreamIdRow & { paid_nano: bigint; cap_nano: bigint; cap_signature: Uint8Array; cap_hash: Uint8Array };

export function streamId(row: StreamIdRow): StreamId {
    return { escrow: toBuffer(row.escrow), epoch: Number(row.epoch), nodeKey: toBuffer(row.node_key) };
}

function receiptTail(row: TailRow & StreamIdRow): ReceiptTail {
    return {
        nodeKey: toBuffer(row.node_key),
        sessionKey: toBuffer(row.session_key),
        sequence: Number(row.sequence),
        costNano: row.cost_nano,
        cumulativeNano: row.cumulative_nano,
        reference: toBuffer(row.reference),
    };
}

export function signedReceipt(row: TailRow & StreamIdRow): SignedReceipt {
    return {
        escrow: toBuffer(row.escrow),
        epoch: Number(row.epoch),
        receipt: receiptTail(row),
        signature: toBuffer(row.signature),
    };
}

export function storedReceipt(row: ReceiptRow): StoredReceipt {
    return {
        id: row.id,
        ...signedReceipt(row),
        requestId: row.request_id === null ? null : toBuffer(row.request_id),
        usageHash: toBuffer(row.usage_hash),
        transcriptHash: toBuffer(row.transcript_hash),
        final: row.final === 1n,
        receivedAtMs: Number(row.received_at_ms),
    };
}

export function settleable(row: SettleableRow): Settleable {
    return {
        ...signedReceipt(row),
        cap: {
            sessionKey: toBuffer(row.session_key),
            requestHash: toBuffer(row.cap_hash),
            capCumulativeNano: row.cap_nano,
            capSignature: toBuffer(row.cap_signature),
        },
        paidNano: row.paid_nano,
        receivedAtMs: Number(row.received_at_ms),
    };
}

export function dispatchRequest(
    row: RequestRow,
    receipts: { receipt: StoredReceipt | null; checkpoint: StoredReceipt | null },
): DispatchRequest {
    return {
        ...streamId(row),
        requestId: toBuffer(row.request_id),
        requestHash: toBuffer(row.request_hash),
        sessionKey: toBuffer(row.session_key),
        offerHash: toBuffer(row.offer_hash),
        capCumulativeNano: row.cap_nano,
        capSignature: toBuffer(row.cap_signature),
        worstCaseNano: row.worst_case_nano,
        state: row.state,
        failureCode: row.failure_code,
        recordedAtMs: Number(row.recorded_at_ms),
        dispatcherId: row.dispatcher_id,
        ...receipts,
    };
}
