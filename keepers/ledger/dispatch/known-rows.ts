import type { StreamId } from '../records';
import { type EscrowStreams, isOpen, keyOf, latestKnown, type RequestState, type StreamState } from './states';

/** Some tens of megabytes; a ledger with more of them in use loads them anew now and then. */
const mostRows = 65_536;

/**
 * Rows as the database has them, in memory: streams, and requests that are open. They stay from batch to batch where
 * nobody else can have changed them; whoever finds that somebody may have, or that a batch was not committed, forgets all.
 */
export class KnownRows {
    /** By epoch, of which few are in use at a time: a key that names it too would be copied together for each look. */
    private readonly escrows = new Map<number, Map<string, EscrowStreams>>();
    private escrowCount = 0;
    private readonly byId = new Map<bigint, StreamState>();
    readonly requests = new Map<string, RequestState>();

    escrow(escrow: Buffer, epoch: number): EscrowStreams {
        let ofEpoch = this.escrows.get(epoch);
        if (!ofEpoch) this.escrows.set(epoch, (ofEpoch = new Map<string, EscrowStreams>()));
        const key = keyOf(escrow);
        let streams = ofEpoch.get(key);
        if (!streams) {
            ofEpoch.set(key, (streams = { byNode: new Map(), whole: false }));
            this.escrowCount += 1;
        }
        return streams;
    }

    stream({ escrow, epoch, nodeKey }: StreamId): StreamState | undefined {
        return this.escrow(escrow, epoch).byNode.get(keyOf(nodeKey));
    }

    streamWithId(id: bigint): StreamState | undefined {
        return this.byId.get(id);
    }

    /** @returns whether it was not here */
    put(stream: StreamState): boolean {
        if (stream.siblings) return false;
        const streams = this.escrow(stream.escrow, stream.epoch);
        const key = keyOf(stream.nodeKey);
        if (streams.byNode.has(key)) return false;
        streams.byNode.set(key, stream);
        stream.siblings = streams;
        if (!stream.isNew) this.byId.set(stream.id, stream);
        return true;
    }

    saved(stream: StreamState): void {
        if (stream.isNew) this.byId.set(stream.id, stream);
        stream.isNew = false;
        stream.changed = false;
    }

    forgetReceipts(stream: StreamState): void {
        stream.known.clear();
        stream.loadedLatest = latestKnown(stream);
    }

    savedRequest(request: RequestState): void {
        request.created = null;
        request.raisedCap = null;
        request.changed = false;
        if (!isOpen(request.state)) this.requests.delete(request.key);
    }

    forget(): void {
        this.escrows.clear();
        this.escrowCount = 0;
        this.byId.clear();
        this.requests.clear();
    }

    /** Between two batches. */
    forgetIfMany(): void {
        if (this.byId.size + this.requests.size > mostRows || this.escrowCount > mostRows) this.forget();
    }
}
