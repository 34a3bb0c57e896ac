import {
    type AnswerBinding,
    type AnswerReceipt,
    checkCap,
    ConfidentialError,
    receiptPayloadBytes,
    verifyAnswerReceipt,
} from '../confidential';
import type { DispatchRequest } from '../ledger';

/** The cap that a request came with: what a dispatcher needs that lost its record of it. */
export interface OrphanCap {
    escrow: Buffer;
    epoch: number;
    sessionKey: Buffer;
    capCumulativeNano: bigint;
    capSignature: Buffer;
}

/**
 * A final receipt whose stream broke, as the node sends it again:
 * h | offer_hash | receipt payload | escrow | epoch u32 | session_key | cap_cumulative u96 | cap_signature (docs/protocol.md).
 */
export interface Orphan {
    requestHash: Buffer;
    offerHash: Buffer;
    payload: Buffer;
    cap: OrphanCap;
}

const capBytes = 32 + 4 + 32 + 12 + 64;
const amountBytes = 12;

export function encodeOrphan({ requestHash, offerHash, payload, cap }: Orphan): Buffer {
    const epoch = Buffer.alloc(4);
    epoch.writeUInt32BE(cap.epoch);
    const amount = Buffer.from(cap.capCumulativeNano.toString(16).padStart(2 * amountBytes, '0'), 'hex');
    return Buffer.concat([
        requestHash,
        offerHash,
        payload,
        ...[cap.escrow, epoch, cap.sessionKey, amount, cap.capSignature],
    ]);
}

/** Copies: an orphan outlives the message that it came in. */
export function decodeOrphan(bytes: Buffer): Orphan | undefined {
    if (bytes.length !== 64 + receiptPayloadBytes + capBytes) return undefined;
    let at = 0;
    const take = (length: number) => Buffer.from(bytes.subarray(at, (at += length)));
    return {
        requestHash: take(32),
        offerHash: take(32),
        payload: take(receiptPayloadBytes),
        cap: {
            escrow: take(32),
            epoch: take(4).readUInt32BE(),
            sessionKey: take(32),
            capCumulativeNano: BigInt(`0x${take(amountBytes).toString('hex')}`),
            capSignature: take(64),
        },
    };
}

/** What a receipt is held against. */
export type OrphanedRequest = Pick<
    DispatchRequest,
    'escrow' | 'epoch' | 'nodeKey' | 'sessionKey' | 'requestHash' | 'offerHash'
>;

/**
 * Holds the orphan against the request as it was recorded here.
 * @throws ConfidentialError when it is about another request or not the node's
 */
export function verifyOrphan(
    orphan: Orphan,
    request: OrphanedRequest,
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

/**
 * A request that is not recorded here, as after a crash between its passing on and its commit, by what its client signed.
 * @throws ConfidentialError when the cap is not signed by the session key beside it
 */
export function requestOfOrphan({ cap, requestHash, offerHash }: Orphan, scope: { network: Buffer; nodeKey: Buffer }) {
    const { escrow, epoch, sessionKey, capCumulativeNano, capSignature } = cap;
    const { network, nodeKey } = scope;
    checkCap({
        cap: { network, escrow, epoch, nodeKey, cumulativeNano: capCumulativeNano, requestHash },
        sessionKey,
        capSignature,
    });
    return { escrow, epoch, nodeKey, sessionKey, requestHash, offerHash, capCumulativeNano, capSignature };
}
