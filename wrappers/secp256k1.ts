import { keccak256, Signature, SigningKey } from 'ethers/crypto';
import { hashMessage } from 'ethers/hash';
import { StatementError } from './errors';
import { bytes32, fixedBytes } from './statement-fields';

/**
 * Suite 2 of node signatures: an Ethereum key. The key of the node is its address, zero-extended to 32 bytes; what is
 * signed is the EIP-191 personal message of the 32-byte digest, so any Ethereum signer can make it; the signature is in
 * EIP-2098 compact form: r | yParity << 255 + s, with s in the lower half.
 */

const addressBytes = 20;
const paddingBytes = 32 - addressBytes;
const padding = Buffer.alloc(paddingBytes);

const curveOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const maxS = curveOrder / 2n;
const parityBit = 1n << 255n;

export function isAddressKey(nodeKey: Buffer): boolean {
    return nodeKey.length === 32 && nodeKey.subarray(0, paddingBytes).equals(padding);
}

/**
 * The node key of an Ethereum address: 12 zero bytes | address:20.
 * @throws StatementError when `address` is not 20 bytes
 */
export function nodeKeyOfAddress(address: Buffer): Buffer {
    return Buffer.concat([padding, fixedBytes('address', address, addressBytes)]);
}

/**
 * The Ethereum address behind a node key of suite 2.
 * @throws StatementError when the key has no such form
 */
export function addressOfNodeKey(nodeKey: Buffer): Buffer {
    if (isAddressKey(bytes32('nodeKey', nodeKey))) return Buffer.from(nodeKey.subarray(paddingBytes));
    throw new StatementError('statement_field_invalid', 'the node key is no zero-extended Ethereum address');
}

/** Signs 32-byte digests with a secp256k1 private key, deterministically (RFC 6979). */
export interface AddressSigner {
    /** key of the node, 32 bytes */
    readonly nodeKey: Buffer;
    /** 64 bytes */
    sign(digest: Buffer): Buffer;
}

/** @throws StatementError when `privateKey` is not 32 bytes or not below the order of the curve */
export function addressSigner(privateKey: Buffer): AddressSigner {
    const scalar = BigInt('0x' + bytes32('privateKey', privateKey).toString('hex'));
    if (scalar === 0n || scalar >= curveOrder) {
        throw new StatementError('statement_out_of_range', 'the private key is not a scalar of the curve');
    }
    const key = new SigningKey(privateKey);
    return {
        nodeKey: nodeKeyOfAddress(addressOfPublicKey(key.publicKey)),
        sign: (digest) => bytesOf(key.sign(hashMessage(bytes32('digest', digest))).compactSerialized),
    };
}

/**
 * The node key that made this signature over this digest.
 * @throws StatementError `signature_malformed` or `signature_high_s`; for another digest or key it is some other node key
 */
export function recoverNodeKey(digest: Buffer, signature: Buffer): Buffer {
    checkForm(signature);
    const message = hashMessage(bytes32('digest', digest));
    let publicKey: string;
    try {
        publicKey = SigningKey.recoverPublicKey(message, Signature.from('0x' + signature.toString('hex')));
    } catch {
        throw new StatementError('signature_malformed', 'the signature belongs to no point of the curve');
    }
    return nodeKeyOfAddress(addressOfPublicKey(publicKey));
}

/** Both halves within the curve's order and s in the lower half, as the hub demands: one signature has one spelling. */
function checkForm(signature: Buffer): void {
    if (!Buffer.isBuffer(signature) || signature.length !== 64) {
        throw new StatementError('signature_malformed', 'a signature is 64 bytes in EIP-2098 compact form');
    }
    const r = BigInt('0x' + signature.toString('hex', 0, 32));
    const s = BigInt('0x' + signature.toString('hex', 32)) & (parityBit - 1n);
    if (r === 0n || r >= curveOrder || s === 0n || s >= curveOrder) {
        throw new StatementError('signature_malformed', 'r or s is outside the order of the curve');
    }
    if (s > maxS) throw new StatementError('signature_high_s', 's is in the upper half: negate it and flip the parity');
}

/** Last 20 bytes of the Keccak-256 of x | y. */
function addressOfPublicKey(publicKey: string): Buffer {
    return bytesOf(keccak256('0x' + publicKey.slice(4))).subarray(paddingBytes);
}

function bytesOf(hex: string): Buffer {
    return Buffer.from(hex.slice(2), 'hex');
}
