import type { DispatchRequestState, ReceiptRecord } from '../dispatch-records';
import type { StreamId } from '../records';

/** A row of dispatch_streams. */
export interface StreamState extends StreamId {
    /** 0 until a new stream is saved. */
    id: bigint;
    isNew: boolean;
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

interface EscrowStreams {
    byNode: Map<string, StreamState>;
    /** All streams of the escrow in this epoch are here, not only those asked for. */
    whole: boolean;
}

/** What one batch has loaded, and what it has changed: rules read and write here, a database loads and saves it. */
export class WorkingSet {
    private readonly escrows = new Map<string, EscrowStreams>();
    private readonly byId = new Map<bigint, StreamState>();
    /** Null: known not to be there. */
    private readonly requests = new Map<string, RequestState | null>();
    readonly newStreams: StreamState[] = [];
    readonly newRequests: RequestState[] = [];
    readonly newReceipts: ReceiptOfStream[] = [];
    readonly promoted: { stream: StreamState; sequence: number }[] = [];
    readonly dropped: { stream: StreamState; sequence: number }[] = [];
    readonly contradictions: { stream: StreamState; keptSequence: number; record: ReceiptRecord }[] = [];
    readonly settlements: {
        stream: StreamState;
        beforeNano: bigint;
        afterNano: bigint;
        transactionHash: string | null;
        atMs: number;
    }[] = [];
    private readonly bestCaps = new Map<StreamState, BestCap[]>();

    escrow(escrow: Buffer, epoch: number): EscrowStreams {
        const key = `${escrow.toString('hex')}/${epoch}`;
        let streams = this.escrows.get(key);
        if (!streams) this.escrows.set(key, (streams = { byNode: new Map(), whole: false }));
        return streams;
    }

    stream(id: StreamId): StreamState | undefined {
        return this.escrow(id.escrow, id.epoch).byNode.get(id.nodeKey.toString('hex'));
    }

    /** A row that was loaded, or a new one from `newStream`; again changes nothing. */
    put(stream: StreamState): void {
        const { byNode } = this.escrow(stream.escrow, stream.epoch);
        if (byNode.has(stream.nodeKeyHex)) return;
        byNode.set(stream.nodeKeyHex, stream);
        if (stream.isNew) this.newStreams.push(stream);
        else this.byId.set(stream.id, stream);
    }

    streamWithId(id: bigint): StreamState | undefined {
        return this.byId.get(id);
    }

    /** Undefined: not loaded. */
    request(requestId: Buffer): RequestState | null | undefined {
        return this.requests.get(requestId.toString('hex'));
    }

    putRequest(requestId: Buffer, request: RequestState | null): void {
        this.requests.set(requestId.toString('hex'), request);
        if (request?.created) this.newRequests.push(request);
    }

    *allRequests(): Iterable<RequestState> {
        for (const request of this.requests.values()) if (request) yield request;
    }

    /** Rows that were there before and are different now. */
    *changedStreams(): Iterable<StreamState> {
        for (const { byNode } of this.escrows.values())
            for (const stream of byNode.values()) if (stream.changed && !stream.isNew) yield stream;
    }

    *changedRequests(): Iterable<RequestState> {
        for (const request of this.requests.values()) if (request?.changed && !request.created) yield request;
    }

    raiseBestCap(cap: BestCap): void {
        const caps = this.bestCaps.get(cap.stream);
        if (!caps) return void this.bestCaps.set(cap.stream, [cap]);
        const i = caps.findIndex(({ sessionKey }) => sessionKey.equals(cap.sessionKey));
        if (i < 0) caps.push(cap);
        else if (caps[i]!.capNano < cap.capNano) caps[i] = cap;
    }

    *allBestCaps(): Iterable<BestCap> {
        for (const caps of this.bestCaps.values()) yield* caps;
    }
}

export function newStream({ escrow, epoch, nodeKey }: StreamId): StreamState {
    return {
        id: 0n,
        isNew: true,
        escrow,
        epoch,
        nodeKey,
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
