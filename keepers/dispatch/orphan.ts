import {
    type AnswerBinding,
    type AnswerReceipt,
    ConfidentialError,
    receiptPayloadBytes,
    verifyAnswerReceipt,
} from '../confidential';
import type { DispatchRequest } from '../ledger';

/** A final receipt whose stream broke, as the node sends it again: h | offer_hash | receipt payload (docs/protocol.md). */
export interface Orphan {
    requestHash: Buffer;
    offerHash: Buffer;
    payload: Buffer;
}

export function encodeOrphan(orphan: Orphan): Buffer {
    return Buffer.concat([orphan.requestHash, orphan.offerHash, orphan.payload]);
}

export function decodeOrphan(bytes: Buffer): Orphan | undefined {
    if (bytes.length !== 64 + receiptPayloadBytes) return undefined;
    return { requestHash: bytes.subarray(0, 32), offerHash: bytes.subarray(32, 64), payload: bytes.subarray(64) };
}

/**
 * Holds the orphan against the request as it was recorded here.
 * @throws ConfidentialError when it is about another request or not the node's
 */
export function verifyOrphan(
    orphan: Orphan,
    request: DispatchRequest,
    scope: { network: Buffer; highestCapNano: bigint },
): AnswerReceipt {
    if (!orphan.requestHash.equals(request.requestHash) || !orphan.offerHash.equals(request.offerHash)) {
        throw new ConfidentialError('receipt_invalid', 'the orphan is about another request');
    }
    const to: AnswerBinding = {
        network: scope.network,
        escrow: request.escrow,
        epoch: request.epoch,
        nodeKey: request.nodeKey,
        sessionKey: request.sessionKey,
        requestHash: request.requestHash,
        offerHash: request.offerHash,
        capCumulativeNano: scope.highestCapNano,
    };
    return verifyAnswerReceipt(to, orphan.payload);
}
