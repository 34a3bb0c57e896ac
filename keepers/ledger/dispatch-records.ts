import type { ReceiptTail } from '../../wrappers';
import type { ReceiptRow, RequestRow, SettleableColumns, StreamRow } from './dispatch-statements';
import { type EscrowFunds, type SignedCap, type SignedReceipt, type StreamId, toBuffer } from './records';

export interface CapRecord extends StreamId, SignedCap {
    requestId: Buffer;
    offerHash: Buffer;
    /** What the request may cost, as its context states; as far as the cap rises where nothing says so. */
    worstCaseNano?: bigint;
    funds: EscrowFunds;
    atMs: number;
}

/** A new cap for a request that runs. */
export interface CapRaiseRecord {
    requestId: Buffer;
    /** What this request may cost from now on. */
    allowanceNano: bigint;
    /** Stands for `h` in the cap. */
    capHash: Buffer;
    capCumulativeNano: bigint;
    capSignature: Buffer;
    funds: EscrowFunds;
}

export interface ReceiptRecord extends SignedReceipt {
    /** Null when the request is unknown here, as with an orphan from before a restore. */
    requestId: Buffer | null;
    usageHash: Buffer;
    transcriptHash: Buffer;
    final: boolean;
    receivedAtMs: number;
}

/**
 * - `recorded`: new and consistent; - `known`: these very bytes were here;
 * - `contradicts`: kept as evidence, not used for settling: the node signed two histories
 */
export type ReceiptOutcome = 'recorded' | 'known' | 'contradicts';

export interface StoredReceipt extends SignedReceipt {
    id: bigint;
    requestId: Buffer | null;
    usageHash: Buffer;
    transcriptHash: Buffer;
    final: boolean;
    receivedAtMs: number;
}

/** The latest receipt of a stream with the best cap held for it, unpaid in part at least. */
export interface Settleable extends SignedReceipt {
    cap: SignedCap;
    /** As last recorded from the chain. */
    paidNano: bigint;
    receivedAtMs: number;
}

export interface DispatchRequest extends SignedCap {
    requestId: Buffer;
    escrow: Buffer;
    epoch: number;
    nodeKey: Buffer;
    offerHash: Buffer;
    worstCaseNano: bigint;
    state: RequestRow['state'];
    failureCode: string | null;
    recordedAtMs: number;
    receipt: StoredReceipt | null;
    checkpoint: StoredReceipt | null;
}

type TailColumns = Pick<ReceiptRow, 'session_key' | 'sequence' | 'cost_nano' | 'cumulative_nano' | 'reference'>;

export function receiptTail(row: TailColumns, stream: StreamRow): ReceiptTail {
    return {
        nodeKey: toBuffer(stream.node_key),
        sessionKey: toBuffer(row.session_key),
        sequence: Number(row.sequence),
        costNano: row.cost_nano,
        cumulativeNano: row.cumulative_nano,
        reference: toBuffer(row.reference),
    };
}

export function storedReceipt(row: ReceiptRow, stream: StreamRow): StoredReceipt {
    return {
        id: row.id,
        escrow: toBuffer(stream.escrow),
        epoch: Number(stream.epoch),
        receipt: receiptTail(row, stream),
        signature: toBuffer(row.signature),
        requestId: row.request_id === null ? null : toBuffer(row.request_id),
        usageHash: toBuffer(row.usage_hash),
        transcriptHash: toBuffer(row.transcript_hash),
        final: row.final === 1n,
        receivedAtMs: Number(row.received_at_ms),
    };
}

export function settleable(row: StreamRow & SettleableColumns): Settleable {
    return {
        escrow: toBuffer(row.escrow),
        epoch: Number(row.epoch),
        receipt: receiptTail(row, row),
        signature: toBuffer(row.signature),
        cap: {
            sessionKey: toBuffer(row.session_key),
            requestHash: toBuffer(row.request_hash),
            capCumulativeNano: row.cap_nano,
            capSignature: toBuffer(row.cap_signature),
        },
        paidNano: row.paid_nano,
        receivedAtMs: Number(row.received_at_ms),
    };
}

export function dispatchRequest(options: {
    row: RequestRow;
    stream: StreamRow;
    receipt: ReceiptRow | undefined;
    checkpoint: ReceiptRow | undefined;
}): DispatchRequest {
    const { row, stream, receipt, checkpoint } = options;
    return {
        requestId: toBuffer(row.request_id),
        requestHash: toBuffer(row.request_hash),
        escrow: toBuffer(stream.escrow),
        epoch: Number(stream.epoch),
        nodeKey: toBuffer(stream.node_key),
        sessionKey: toBuffer(row.session_key),
        offerHash: toBuffer(row.offer_hash),
        capCumulativeNano: row.cap_nano,
        capSignature: toBuffer(row.cap_signature),
        worstCaseNano: row.worst_case_nano,
        state: row.state,
        failureCode: row.failure_code,
        recordedAtMs: Number(row.recorded_at_ms),
        receipt: receipt ? storedReceipt(receipt, stream) : null,
        checkpoint: checkpoint ? storedReceipt(checkpoint, stream) : null,
    };
}
