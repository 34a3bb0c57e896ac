import type { ReceiptRecord } from '../dispatch-records';
import type { StreamId } from '../records';
import { KnownRows } from './known-rows';
import {
    type BestCap,
    type EscrowStreams,
    keyOf,
    type KnownReceipt,
    type ReceiptOfStream,
    type RequestState,
    type StreamState,
} from './states';

/**
 * What one batch reads and changes: rules work on it, a database loads what is not known and saves what was changed. Changes
 * happen in the known rows themselves, so a batch that fails takes all of them with it: see `KnownRows.forget`.
 */
export class WorkingSet {
    /** Looked for: those that were not put then are not there. */
    private readonly sought = new Set<string>();
    private readonly withReceipts = new Set<StreamState>();
    private readonly bestCaps = new Map<StreamState, BestCap[]>();
    readonly newStreams: StreamState[] = [];
    /** Rows that were there before. */
    readonly changedStreams: StreamState[] = [];
    readonly newRequests: RequestState[] = [];
    /** Rows that were there before. */
    readonly changedRequests: RequestState[] = [];
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

    constructor(private readonly rows = new KnownRows()) {}

    escrow(escrow: Buffer, epoch: number): EscrowStreams {
        return this.rows.escrow(escrow, epoch);
    }

    stream(id: StreamId): StreamState | undefined {
        return this.rows.stream(id);
    }

    streamWithId(id: bigint): StreamState | undefined {
        return this.rows.streamWithId(id);
    }

    /** A row that was loaded, or a new one from `newStream`; again changes nothing. */
    put(stream: StreamState): void {
        if (this.rows.put(stream) && stream.isNew) this.newStreams.push(stream);
    }

    /** To be called with every change of a stream's row. */
    touch(stream: StreamState): void {
        if (!stream.changed && !stream.isNew) this.changedStreams.push(stream);
        stream.changed = true;
    }

    /** Notes that it is looked for; false: it is known, or was looked for before. One that is not put then is not there. */
    seek(requestId: Buffer): boolean {
        const key = keyOf(requestId);
        if (this.rows.requests.has(key) || this.sought.has(key)) return false;
        this.sought.add(key);
        return true;
    }

    /** Undefined where it is not there; to be asked once it was sought and loaded. */
    request(requestId: Buffer): RequestState | undefined {
        return this.rows.requests.get(keyOf(requestId));
    }

    /** One that was loaded or is new. */
    putRequest(request: RequestState): void {
        this.rows.requests.set(request.key, request);
        if (request.created) this.newRequests.push(request);
    }

    /** To be called with every change of a request's row. */
    touchRequest(request: RequestState): void {
        if (!request.changed && !request.created) this.changedRequests.push(request);
        request.changed = true;
    }

    allRequests(): Iterable<RequestState> {
        return this.rows.requests.values();
    }

    noteReceipt(stream: StreamState, known: KnownReceipt): void {
        stream.known.set(known.sequence, known);
        this.withReceipts.add(stream);
    }

    dropReceipt(stream: StreamState, known: KnownReceipt): void {
        known.dropped = true;
        this.withReceipts.add(stream);
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

    /** After the commit: what a later batch finds is what it would load. */
    committed(): void {
        for (const stream of this.newStreams) this.rows.saved(stream);
        for (const stream of this.changedStreams) this.rows.saved(stream);
        for (const stream of this.withReceipts) this.rows.forgetReceipts(stream);
        for (const request of this.newRequests) this.rows.savedRequest(request);
        for (const request of this.changedRequests) this.rows.savedRequest(request);
    }
}
