import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { sha256 } from '../../wrappers/digest';
import {
    capOf,
    encodeSigned,
    gcmNonceBytes,
    gcmTagBytes,
    type ParsedEnvelope,
    requestHash,
    type SealedParts,
    signCapFields,
    type SignedCapFields,
} from './envelope';
import { ConfidentialError } from './errors';
import { type HpkeOpener, hpkeSeal, type RandomSource } from './hpke';
import { decodeInnerRequest, encodeInnerRequest, type InnerRequest } from './inner-request';
import { type KemCertificate } from './kem-certificate';
import { padRequest, unpadRequest } from './padding';
import { encodeContext, type RequestContext } from './request-context';
import { type Signer } from './signing';

const contentKeyBytes = 32;

export interface PrepareRequestOptions {
    /** Network, suite, node and KEM epoch come from the certificate. */
    context: Pick<
        RequestContext,
        'escrow' | 'epoch' | 'offerHash' | 'requestId' | 'deadlineMs' | 'windowed' | 'allowanceNano'
    >;
    inner: InnerRequest;
    certificate: KemCertificate;
    random?: RandomSource;
}

/** A request sealed to one node, for which no cap is signed yet. */
export interface PreparedRequest {
    context: RequestContext;
    requestHash: Buffer;
    /** the content key, which opens the answer: erase it when the answer is over */
    cek: Buffer;
    parts: SealedParts;
}

/** Seals the request; what costs time happens here, so that the cap can be signed in one step with its reservation. */
export async function prepareRequest(options: PrepareRequestOptions): Promise<PreparedRequest> {
    const { certificate, random = randomBytes } = options;
    const { suite, network, nodeKey, kemEpoch } = certificate;
    const context: RequestContext = { ...options.context, suite, network, nodeKey, kemEpoch };
    const contextBytes = encodeContext(context);
    const contextHash = sha256(contextBytes);
    const cek = random(contentKeyBytes);
    const nonce = random(gcmNonceBytes);
    const sealed = sealBody(cek, nonce, contextHash, padRequest(encodeInnerRequest(options.inner)));
    const h = requestHash(contextHash, nonce, sealed);
    const wrapped = await hpkeSeal({
        suite,
        publicKey: certificate.publicKey,
        info: wrapInfo(nodeKey, certificate.hash),
        aad: h,
        plaintext: cek,
        random,
    });
    return { context, requestHash: h, cek, parts: { context: contextBytes, nonce, ...wrapped, sealed } };
}

/** The session key's promise, once it is known how much it may be. */
export function signRequestCap(
    { context, requestHash: h }: PreparedRequest,
    signer: Signer,
    capCumulativeNano: bigint,
): SignedCapFields {
    return signCapFields(capOf(context, h, capCumulativeNano), signer);
}

/** The bytes to send. */
export function finishEnvelope(request: PreparedRequest, cap: SignedCapFields): Buffer {
    return encodeSigned(request.parts, cap);
}

export interface OpenRequestOptions {
    envelope: ParsedEnvelope;
    /** of the node's KEM key of that suite */
    opener: Pick<HpkeOpener, 'open'>;
    /** of the certificate that vouched for the key */
    certificateHash: Buffer;
}

export interface OpenedRequest {
    inner: InnerRequest;
    cek: Buffer;
}

/** For a node's KEM key; replays are the keyring's to refuse. */
export async function openRequest({ envelope, opener, certificateHash }: OpenRequestOptions): Promise<OpenedRequest> {
    const { context, contextHash, requestHash: h, nonce, enc, ct, sealed } = envelope;
    const info = wrapInfo(context.nodeKey, certificateHash);
    const cek = await opener.open({ enc, ct, info, aad: h });
    const padded = openBody(cek, nonce, contextHash, sealed);
    return { inner: decodeInnerRequest(unpadRequest(padded)), cek };
}

function wrapInfo(nodeKey: Buffer, certificateHash: Buffer): Buffer {
    return Buffer.concat([Buffer.from('CWrp', 'latin1'), nodeKey, certificateHash]);
}

function bodyKey(cek: Buffer): Buffer {
    return Buffer.from(hkdfSync('sha256', cek, Buffer.alloc(0), 'CBdy', 32));
}

function sealBody(cek: Buffer, nonce: Buffer, contextHash: Buffer, padded: Buffer): Buffer {
    const cipher = createCipheriv('aes-256-gcm', bodyKey(cek), nonce);
    cipher.setAAD(contextHash);
    const ciphertext = cipher.update(padded);
    cipher.final();
    return Buffer.concat([ciphertext, cipher.getAuthTag()]);
}

function openBody(cek: Buffer, nonce: Buffer, contextHash: Buffer, sealed: Buffer): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', bodyKey(cek), nonce, { authTagLength: gcmTagBytes });
    decipher.setAAD(contextHash);
    decipher.setAuthTag(sealed.subarray(sealed.length - gcmTagBytes));
    const padded = decipher.update(sealed.subarray(0, sealed.length - gcmTagBytes));
    try {
        decipher.final();
    } catch {
        throw new ConfidentialError('request_undecryptable', 'the request was altered or sealed under another key');
    }
    return padded;
}
