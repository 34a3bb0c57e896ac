import { capDigest, type Cap } from '../../wrappers/cap';
import { sha256 } from '../../wrappers/digest';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';
import { ConfidentialError, misuse } from './errors';
import { suiteSizes } from './hpke';
import { isRequestBucket } from './padding';
import { decodeContext, type RequestContext } from './request-context';
import { signatureBytes, type Signer, verifySignature } from './signing';

export const maxEnvelopeBytes = 32 * 1024 * 1024;
export const gcmTagBytes = 16;
export const gcmNonceBytes = 12;
/** HPKE ciphertext of the 32-byte content key */
const wrappedKeyBytes = 32 + gcmTagBytes;

/** The parts of a request that do not depend on the cap. */
export interface SealedParts {
    /** encoded */
    context: Buffer;
    nonce: Buffer;
    enc: Buffer;
    ct: Buffer;
    /** ciphertext | tag */
    sealed: Buffer;
}

/** All that an envelope says to someone without any key. Buffers are views into the envelope. */
export interface ParsedEnvelope {
    context: RequestContext;
    contextHash: Buffer;
    /** `h`: names the request everywhere */
    requestHash: Buffer;
    nonce: Buffer;
    enc: Buffer;
    ct: Buffer;
    sealed: Buffer;
    cap: Cap;
    sessionKey: Buffer;
    capSignature: Buffer;
}

/** h = SHA256("CHsh" | SHA256(ctx) | nonce | sealed) */
export function requestHash(contextHash: Buffer, nonce: Buffer, sealed: Buffer): Buffer {
    return sha256(Buffer.from('CHsh', 'latin1'), contextHash, nonce, sealed);
}

/** What an envelope says of its cap. */
export interface SignedCapFields {
    sessionKey: Buffer;
    cumulativeNano: bigint;
    signature: Buffer;
}

/** Signs the cap over `h` and puts the envelope together. */
export function encodeEnvelope(parts: SealedParts, cap: Cap, signer: Signer): Buffer {
    return encodeSigned(parts, signCapFields(cap, signer));
}

export function signCapFields(cap: Cap, signer: Signer): SignedCapFields {
    const signature = signer.sign(capDigest(cap));
    return { sessionKey: signer.publicKey, cumulativeNano: cap.cumulativeNano, signature };
}

/** The envelope of a cap that is signed already. */
export function encodeSigned(parts: SealedParts, cap: SignedCapFields): Buffer {
    const envelope = new ByteWriter()
        .tag('CEnv')
        .b16('context', parts.context)
        .fixed('nonce', parts.nonce, gcmNonceBytes)
        .b16('enc', parts.enc)
        .b16('ct', parts.ct)
        .fixed('sessionKey', cap.sessionKey, 32)
        .u96('capCumulativeNano', cap.cumulativeNano)
        .fixed('capSignature', cap.signature, signatureBytes)
        .b32('sealed', parts.sealed)
        .finish();
    if (envelope.length > maxEnvelopeBytes) throw misuse(`a request has at most ${maxEnvelopeBytes} bytes`);
    return envelope;
}

/** Reads and checks form and lengths; the cap's signature is `checkCap`'s, since most callers refuse cheaper things first. */
export function parseEnvelope(bytes: Buffer): ParsedEnvelope {
    const reader = new ByteReader(bytes, 'envelope_invalid', 'envelope');
    if (bytes.length > maxEnvelopeBytes) reader.fail('too long');
    reader.tag('CEnv');
    const contextBytes = reader.b16();
    const context = decodeContext(contextBytes);
    const nonce = reader.fixed(gcmNonceBytes);
    const enc = reader.b16();
    const ct = reader.b16();
    const sessionKey = reader.fixed(32);
    const cumulativeNano = reader.u96();
    const capSignature = reader.fixed(signatureBytes);
    const sealed = reader.b32();
    reader.end();
    if (enc.length !== suiteSizes[context.suite].encBytes) reader.fail('enc has a wrong length for the suite');
    if (ct.length !== wrappedKeyBytes) reader.fail('ct has a wrong length');
    if (!isRequestBucket(sealed.length - gcmTagBytes)) reader.fail('the request is not padded');
    const contextHash = sha256(contextBytes);
    const h = requestHash(contextHash, nonce, sealed);
    const cap = capOf(context, h, cumulativeNano);
    return { context, contextHash, requestHash: h, nonce, enc, ct, sealed, cap, sessionKey, capSignature };
}

export function capOf(context: RequestContext, h: Buffer, cumulativeNano: bigint): Cap {
    const { network, escrow, epoch, nodeKey } = context;
    return { network, escrow, epoch, nodeKey, cumulativeNano, requestHash: h };
}

/** Throws `cap_invalid` unless the session key in the envelope signed its cap. Whose key that is, the chain knows. */
export function checkCap(envelope: Pick<ParsedEnvelope, 'cap' | 'sessionKey' | 'capSignature'>): void {
    const { cap, sessionKey, capSignature } = envelope;
    if (verifySignature({ publicKey: sessionKey, digest: capDigest(cap), signature: capSignature })) return;
    throw new ConfidentialError('cap_invalid', 'the cap is not signed by the session key beside it');
}
