import type { DispatchRequestState, ReceiptRecord } from '../dispatch-records';
import type { StreamId } from '../records';

/** Streams of one escrow in one epoch. */
export interface EscrowStreams {
    byNode: Map<string, StreamState>;
    /** All of them are here, not only those asked for. */
    whole: boolean;
}

/** A row of dispatch_streams. */
export interface StreamState extends StreamId {
    /** 0 until a new stream is saved. */
    id: bigint;
    isNew: boolean;
    /** Where it is known: the streams of its escrow, itself among them. Who forgets those forgets it as well. */
    siblings: EscrowStreams | null;
    nodeKeyHex: string;
    /** -1 before the first receipt. */
    latestSequence: number;
    latestCumulativeNano: bigint;
    openWorstNano: bigint;
    paidNano: bigint;
    /** Receipts up to here were paid and are no longer kept; -1 where none is gone. */
    compactedSequence: number;
    /** What the latest receipt was when the stream was loaded. */
    loadedLatest: KnownReceipt | null;
    /** By sequence: receipts of this batch, those loaded for it, and those that it dropped. */
    known: Map<number, KnownReceipt>;
    /** The row that is there differs from this. */
    changed: boolean;
}

/** Enough of a receipt to compare another one with it. */
export interface KnownReceipt {
    sequence: number;
    cumulativeNano: bigint;
    /** Absent where only sequence and sum were loaded. */
    same?: { costNano: bigint; reference: Uint8Array; sessionKey: Uint8Array };
    final: boolean;
    dropped: boolean;
}

/** A row of dispatch_requests, as far as the rules read or change it. */
export interface RequestState {
    /** `keyOf` its id. */
    key: string;
    requestId: Buffer;
    stream: StreamState;
    sessionKey: Buffer;
    capNano: bigint;
    worstCaseNano: bigint;
    /** Highest cost that a receipt of the request states. */
    signedNano: bigint;
    allowanceNano: bigint;
    state: DispatchRequestState;
    failureCode: string | null;
    closedAtMs: number | null;
    finalSequence: number | null;
    checkpointSequence: number | null;
    dispatcherId: string;
    changed: boolean;
    /** Set where the row is new. */
    created: CreatedRequest | null;
    /** Set where the request's own cap was replaced. */
    raisedCap: { hash: Buffer; signature: Buffer } | null;
}

export interface CreatedRequest {
    requestHash: Buffer;
    offerHash: Buffer;
    capSignature: Buffer;
    recordedAtMs: number;
}

/** The highest cap of a stream under one session key: what settles its receipts. */
export interface BestCap {
    stream: StreamState;
    sessionKey: Buffer;
    capNano: bigint;
    capHash: Buffer;
    capSignature: Buffer;
}

export interface ReceiptOfStream {
    stream: StreamState;
    record: ReceiptRecord;
    known: KnownReceipt;
}

/** Of any bytes, at less than half the price of hex. */
export function keyOf(bytes: Buffer): string {
    return bytes.toString('latin1');
}

/** Its worst case is reserved. */
export function isOpen(state: DispatchRequestState): boolean {
    return state === 'running' || state === 'lost';
}

/** With bytes of its own: those that it comes from may be a part of something large. */
export function newStream({ escrow, epoch, nodeKey }: StreamId): StreamState {
    return {
        id: 0n,
        isNew: true,
        siblings: null,
        escrow: Buffer.from(escrow),
        epoch,
        nodeKey: Buffer.from(nodeKey),
        nodeKeyHex: nodeKey.toString('hex'),
        latestSequence: -1,
        latestCumulativeNano: 0n,
        openWorstNano: 0n,
        paidNano: 0n,
        compactedSequence: -1,
        loadedLatest: null,
        known: new Map(),
        changed: false,
    };
}

/** What a stream's row tells of its latest receipt. */
export function latestKnown(stream: Pick<StreamState, 'latestSequence' | 'latestCumulativeNano'>): KnownReceipt | null {
    const { latestSequence: sequence, latestCumulativeNano: cumulativeNano } = stream;
    return sequence < 0 ? null : { sequence, cumulativeNano, final: false, dropped: false };
}
