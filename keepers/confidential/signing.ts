import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto';
import sodium from 'sodium-native';
import { addressSigner, recoverNodeKey } from '../../wrappers/secp256k1';
import { suiteOfKey } from '../../wrappers/receipt-suites';
import { exactly } from './byte-writer';

/** Something that can sign 32-byte digests with one key: a key in memory here, an HSM elsewhere. */
export interface Signer {
    /** 32 bytes; of a node that signs as Ethereum does, its zero-extended address */
    readonly publicKey: Buffer;
    /** 64 bytes */
    sign(digest: Buffer): Buffer;
}

// RFC 8410: the fixed DER in front of a raw Ed25519 key.
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export const signatureBytes = 64;

/** An Ed25519 signer over a 32-byte seed. The caller may erase the seed afterwards; OpenSSL keeps its own copy. */
export function signerFromSeed(seed: Buffer): Signer {
    const der = Buffer.concat([privatePrefix, exactly('seed', seed, 32)]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    der.fill(0);
    const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length);
    return {
        publicKey: Buffer.from(publicKey),
        sign: (digest) => sign(null, exactly('digest', digest, 32), key),
    };
}

export function generateSigner(): Signer {
    const seed = randomBytes(32);
    const signer = signerFromSeed(seed);
    seed.fill(0);
    return signer;
}

/** A signer that nodes with an Ethereum key use, over a 32-byte private key. The caller may erase the key afterwards. */
export function signerFromSecp256k1Key(privateKey: Buffer): Signer {
    const signer = addressSigner(privateKey);
    return { publicKey: signer.nodeKey, sign: (digest) => signer.sign(exactly('digest', digest, 32)) };
}

export function generateSecp256k1Signer(): Signer {
    const privateKey = randomBytes(32);
    const signer = signerFromSecp256k1Key(privateKey);
    privateKey.fill(0);
    return signer;
}

export interface SignatureToVerify {
    publicKey: Buffer;
    digest: Buffer;
    signature: Buffer;
}

/** What a node says, under the suite of its key: receipts, certificates, offers, hellos. */
export function verifyNodeSignature(toVerify: SignatureToVerify): boolean {
    const { publicKey, digest, signature } = toVerify;
    if (publicKey.length !== 32 || digest.length !== 32) return false;
    if (suiteOfKey(publicKey) === 1) return verifySignature(toVerify);
    try {
        return recoverNodeKey(digest, signature).equals(publicKey);
    } catch {
        return false;
    }
}

/**
 * Ed25519 alone, as the escrow checks caps: a session key that looks like an address signs nothing, or a node would work
 * under a cap that the chain refuses. False for anything that is not this key's signature over this digest.
 *
 * By libsodium, which takes half of OpenSSL's time and no import of the key. Like the chain it multiplies by no cofactor,
 * and it refuses points of small order besides: what it takes the chain takes.
 */
export function verifySignature({ publicKey, digest, signature }: SignatureToVerify): boolean {
    if (publicKey.length !== 32 || digest.length !== 32 || signature.length !== signatureBytes) return false;
    return sodium.crypto_sign_verify_detached(signature, digest, publicKey);
}
