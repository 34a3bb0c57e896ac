import { ReceiptScope, scopePrefix, sha256 } from './digest';
import { bytes32, fixedBytes, readUint96, writeUint32, writeUint96 } from './statement-fields';

export const receiptTailBytes = 124;

/** What a node signs in its TEE about one request: proof, payment right and evidence in one. */
export interface Receipt extends ReceiptScope {
    /** key of the node, 32 bytes: an Ed25519 public key, or a zero-extended Ethereum address */
    nodeKey: Buffer;
    /** public key of the client's session that authorised the work, 32 bytes */
    sessionKey: Buffer;
    /** counts this node's receipts within the scope, 32 bits */
    sequence: number;
    /** nanoTON of this request, 96 bits */
    costNano: bigint;
    /** nanoTON of all requests so far, this one included, 96 bits */
    cumulativeNano: bigint;
    /** see `receiptReference`, 32 bytes */
    reference: Buffer;
}

export type ReceiptTail = Omit<Receipt, keyof ReceiptScope>;

/**
 * node_key:32 | session_key:32 | sequence:4 | cost:12 | cumulative:12 | reference:32, as settled on chain.
 * @throws StatementError when a field does not fit
 */
export function encodeReceiptTail(receipt: ReceiptTail): Buffer {
    const tail = Buffer.allocUnsafe(receiptTailBytes);
    bytes32('nodeKey', receipt.nodeKey).copy(tail, 0);
    bytes32('sessionKey', receipt.sessionKey).copy(tail, 32);
    writeUint32('sequence', receipt.sequence, tail, 64);
    writeUint96('costNano', receipt.costNano, tail, 68);
    writeUint96('cumulativeNano', receipt.cumulativeNano, tail, 80);
    bytes32('reference', receipt.reference).copy(tail, 92);
    return tail;
}

/** @throws StatementError when `tail` is not 124 bytes; every 124 bytes decode, and encode to the same bytes again */
export function decodeReceiptTail(tail: Buffer): ReceiptTail {
    const copy = Buffer.from(fixedBytes('receipt tail', tail, receiptTailBytes));
    return {
        nodeKey: copy.subarray(0, 32),
        sessionKey: copy.subarray(32, 64),
        sequence: copy.readUInt32BE(64),
        costNano: readUint96(copy, 68),
        cumulativeNano: readUint96(copy, 80),
        reference: copy.subarray(92, 124),
    };
}

/**
 * The 32 bytes that the node signs: SHA256("CRcp" | scope | tail).
 * @throws StatementError when a field does not fit
 */
export function receiptDigest(receipt: Receipt): Buffer {
    return sha256(scopePrefix('CRcp', receipt), encodeReceiptTail(receipt));
}

/**
 * What ties a receipt to one answer without letting anyone confirm a guess at its text: SHA256("CRef" | ...).
 * @throws StatementError when a hash is not 32 bytes
 */
export function receiptReference(hashes: {
    requestHash: Buffer;
    offerHash: Buffer;
    usageHash: Buffer;
    transcriptHash: Buffer;
}): Buffer {
    return sha256(
        Buffer.from('CRef', 'latin1'),
        bytes32('requestHash', hashes.requestHash),
        bytes32('offerHash', hashes.offerHash),
        bytes32('usageHash', hashes.usageHash),
        bytes32('transcriptHash', hashes.transcriptHash),
    );
}
