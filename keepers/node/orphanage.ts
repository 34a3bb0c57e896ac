import type { SealedReceipt } from '../confidential';
import { encodeOrphan } from '../dispatch';
import type { AdmittedRequest } from './request-gate';

/** Final receipts that no dispatcher has said to have on disk; sent again after every reconnect. */
export class Orphanage {
    private readonly waiting = new Map<string, { requestId: Buffer; orphan: Buffer }>();

    constructor(private readonly capacity = 10_000) {}

    add(request: AdmittedRequest, final: SealedReceipt): void {
        const { requestId, offerHash } = request.envelope.context;
        const orphan = encodeOrphan({ requestHash: request.envelope.requestHash, offerHash, payload: final.payload });
        this.waiting.set(requestId.toString('hex'), { requestId: Buffer.from(requestId), orphan });
        // The node's own log still holds the receipt, so the oldest may go.
        if (this.waiting.size > this.capacity) this.waiting.delete(this.waiting.keys().next().value!);
    }

    taken(requestId: Buffer): void {
        this.waiting.delete(requestId.toString('hex'));
    }

    get all(): readonly { requestId: Buffer; orphan: Buffer }[] {
        return [...this.waiting.values()];
    }
}
