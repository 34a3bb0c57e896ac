import type { SealedReceipt } from '../confidential';
import { encodeOrphan } from '../dispatch';
import type { AdmittedRequest } from './request-gate';

interface WaitingReceipt {
    requestId: Buffer;
    orphan: Buffer;
    /** Account id of the hub whose dispatcher passed the request on. */
    hub: Buffer;
}

/** Final receipts that no dispatcher has said to have on disk; sent again after every reconnect. */
export class Orphanage {
    private readonly waiting = new Map<string, WaitingReceipt>();

    constructor(private readonly capacity = 10_000) {}

    add(request: AdmittedRequest, final: SealedReceipt, hub: Buffer): void {
        const { context, requestHash, sessionKey, cap, capSignature } = request.envelope;
        const { requestId, offerHash, escrow, epoch } = context;
        const orphan = encodeOrphan({
            requestHash,
            offerHash,
            payload: final.payload,
            cap: { escrow, epoch, sessionKey, capCumulativeNano: cap.cumulativeNano, capSignature },
        });
        this.waiting.set(requestId.toString('hex'), { requestId: Buffer.from(requestId), orphan, hub });
        // The node's own log still holds the receipt, so the oldest may go.
        if (this.waiting.size > this.capacity) this.waiting.delete(this.waiting.keys().next().value!);
    }

    /** Another hub's dispatcher has nothing to take. */
    taken(requestId: Buffer, hub: Buffer): void {
        const id = requestId.toString('hex');
        if (this.waiting.get(id)?.hub.equals(hub) === true) this.waiting.delete(id);
    }

    get all(): readonly WaitingReceipt[] {
        return [...this.waiting.values()];
    }
}
