import { createPublicKey, verify } from 'node:crypto';
import { StatementError } from './errors';
import { type Receipt, receiptDigest } from './receipt';
import { isAddressKey, recoverNodeKey } from './secp256k1';
import { bytes32 } from './statement-fields';

/** How a node signs: 1 is Ed25519 over the 32-byte digest, 2 is secp256k1 as Ethereum signs (see secp256k1.ts). */
export type ReceiptSuite = 1 | 2;

export const receiptSuites = { ed25519: 1, secp256k1: 2 } as const satisfies Record<string, ReceiptSuite>;

/**
 * The suite follows from the key: the registry refuses keys below 2^160 for suite 1 and all others for suite 2.
 * @throws StatementError when the key is not 32 bytes
 */
export function suiteOfKey(nodeKey: Buffer): ReceiptSuite {
    return isAddressKey(bytes32('nodeKey', nodeKey)) ? receiptSuites.secp256k1 : receiptSuites.ed25519;
}

/** What a node signs: a digest, under the key that its registration names. */
export interface NodeSignature {
    nodeKey: Buffer;
    digest: Buffer;
    /** 64 bytes */
    signature: Buffer;
}

/**
 * Checks a signature as the hub does.
 * @throws StatementError `signature_malformed`, `signature_high_s` or `signature_wrong`
 */
export function checkNodeSignature({ nodeKey, digest, signature }: NodeSignature): void {
    const signed =
        suiteOfKey(nodeKey) === receiptSuites.secp256k1
            ? recoverNodeKey(digest, signature).equals(nodeKey)
            : isEd25519Signature({ nodeKey, digest, signature });
    if (!signed) throw new StatementError('signature_wrong', 'the node key did not sign this digest');
}

/**
 * Checks that the node which a receipt names signed it.
 * @throws StatementError as `checkNodeSignature`, or when a field of the receipt does not fit
 */
export function checkReceiptSignature(receipt: Receipt, signature: Buffer): void {
    checkNodeSignature({ nodeKey: receipt.nodeKey, digest: receiptDigest(receipt), signature });
}

/** RFC 8410: the fixed DER in front of a raw Ed25519 public key. */
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

function isEd25519Signature({ nodeKey, digest, signature }: NodeSignature): boolean {
    if (!Buffer.isBuffer(signature) || signature.length !== 64) {
        throw new StatementError('signature_malformed', 'a signature is 64 bytes');
    }
    try {
        const key = createPublicKey({ key: Buffer.concat([publicPrefix, nodeKey]), format: 'der', type: 'spki' });
        return verify(null, bytes32('digest', digest), key, signature);
    } catch (error) {
        if (error instanceof StatementError) throw error;
        // A key that is no point of the curve: nothing is signed by it.
        return false;
    }
}
