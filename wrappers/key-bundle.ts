import { beginCell, Cell } from '@ton/core';
import { sha256 } from './digest';
import { StatementError } from './errors';
import { type ReceiptSuite, suiteOfKey } from './receipt-suites';
import { bytes32, fixedBytes, writeUint32 } from './statement-fields';

export const keyBundleBytes = 239;

/** Where the cells of a bundle are cut: a cell holds 127 bytes. */
const headBytes = 103;
const restBytes = 104;

/** What a node in a TEE attests: `report_data` of its quote holds the hash of this. */
export interface KeyBundle {
    /** account id (hash) of the registry, 32 bytes */
    network: Buffer;
    /** account id (hash) of the provider contract under which the key is recorded, 32 bytes */
    provider: Buffer;
    /** 1: inference node */
    role: 1;
    /** 1: Ed25519, 2: secp256k1 */
    suite: ReceiptSuite;
    /** key under which the node signs receipts, 32 bytes: an Ed25519 public key, or a zero-extended Ethereum address */
    signingKey: Buffer;
    /** SHA256(mrtd | rtmr0 | rtmr1 | rtmr2 | rtmr3) of the quote, 32 bytes */
    imageId: Buffer;
    /** root of the model's manifest, 32 bytes */
    modelRoot: Buffer;
    /** hash of the GPU's evidence, zeros without one, 32 bytes */
    gpuEvidenceDigest: Buffer;
    /** masterchain block that shows the quote's age, 32 bits */
    mcSeqno: number;
    /** root hash of that block, 32 bytes */
    mcRootHash: Buffer;
    /** unix time in seconds after which the key takes no work, 32 bits; the registry may shorten it */
    notAfter: number;
}

/**
 * "CKyB" | version:1 | role:1 | network:32 | provider:32 | suite:1 | signing_key:32 | image_id:32 | model_root:32
 * | gpu_evidence_digest:32 | mc_seqno:4 | not_after:4 | mc_root_hash:32.
 * @throws StatementError when a field does not fit
 */
export function encodeKeyBundle(bundle: KeyBundle): Buffer {
    if (bundle.role !== 1) throw new StatementError('statement_out_of_range', 'only role 1 is known');
    checkSuite(bundle);
    const bytes = Buffer.allocUnsafe(keyBundleBytes);
    bytes.write('CKyB', 0, 4, 'latin1');
    bytes[4] = 1;
    bytes[5] = bundle.role;
    bytes32('network', bundle.network).copy(bytes, 6);
    bytes32('provider', bundle.provider).copy(bytes, 38);
    bytes[70] = bundle.suite;
    bytes32('signingKey', bundle.signingKey).copy(bytes, 71);
    bytes32('imageId', bundle.imageId).copy(bytes, 103);
    bytes32('modelRoot', bundle.modelRoot).copy(bytes, 135);
    bytes32('gpuEvidenceDigest', bundle.gpuEvidenceDigest).copy(bytes, 167);
    writeUint32('mcSeqno', bundle.mcSeqno, bytes, 199);
    writeUint32('notAfter', bundle.notAfter, bytes, 203);
    bytes32('mcRootHash', bundle.mcRootHash).copy(bytes, 207);
    return bytes;
}

function checkSuite({ suite, signingKey }: KeyBundle): void {
    const fitting = suiteOfKey(signingKey);
    if (suite === fitting) return;
    throw new StatementError('statement_out_of_range', `suite ${suite} for a key of suite ${fitting}`);
}

/** @throws StatementError unless `bytes` is exactly what `encodeKeyBundle` would give for the result */
export function decodeKeyBundle(bytes: Buffer): KeyBundle {
    const copy = Buffer.from(fixedBytes('key bundle', bytes, keyBundleBytes));
    if (copy.toString('latin1', 0, 4) !== 'CKyB' || copy[4] !== 1) {
        throw new StatementError('statement_field_invalid', 'not a key bundle of version 1');
    }
    const suite = suiteOfKey(copy.subarray(71, 103));
    if (copy[5] !== 1 || copy[70] !== suite) {
        throw new StatementError(
            'statement_field_invalid',
            `key bundle of role ${copy[5]}, suite ${copy[70]} for a key of suite ${suite}`,
        );
    }
    return {
        network: copy.subarray(6, 38),
        provider: copy.subarray(38, 70),
        role: 1,
        suite,
        signingKey: copy.subarray(71, 103),
        imageId: copy.subarray(103, 135),
        modelRoot: copy.subarray(135, 167),
        gpuEvidenceDigest: copy.subarray(167, 199),
        mcSeqno: copy.readUInt32BE(199),
        mcRootHash: copy.subarray(207, 239),
        notAfter: copy.readUInt32BE(203),
    };
}

/**
 * SHA-256 of the encoded bundle.
 * @throws StatementError when a field does not fit
 */
export function keyBundleHash(bundle: KeyBundle): Buffer {
    return sha256(encodeKeyBundle(bundle));
}

/**
 * The bundle as contracts read it: the same bytes cut into three cells.
 * @throws StatementError when a field does not fit
 */
export function keyBundleCell(bundle: KeyBundle): Cell {
    const bytes = encodeKeyBundle(bundle);
    const block = beginCell().storeBuffer(bytes.subarray(headBytes + restBytes));
    const rest = beginCell()
        .storeBuffer(bytes.subarray(headBytes, headBytes + restBytes))
        .storeRef(block);
    return beginCell().storeBuffer(bytes.subarray(0, headBytes)).storeRef(rest).endCell();
}

/** @throws StatementError unless `cell` is exactly what `keyBundleCell` would give for the result */
export function parseKeyBundleCell(cell: Cell): KeyBundle {
    const parts: Buffer[] = [];
    for (let at: Cell | undefined = cell; at !== undefined; at = at.refs[0]) {
        if (at.isExotic || at.bits.length % 8 !== 0 || at.refs.length > 1 || parts.length === 3) {
            throw new StatementError('statement_field_invalid', 'not a chain of three cells of whole bytes');
        }
        parts.push(at.beginParse().loadBuffer(at.bits.length / 8));
    }
    const bundle = decodeKeyBundle(Buffer.concat(parts));
    if (keyBundleCell(bundle).equals(cell)) return bundle;
    throw new StatementError('statement_field_invalid', 'key bundle cut at other places than contracts read');
}

/**
 * What the bundle's own signing key signs where no quote says that it is the node's: SHA256("CPos" | bundle_hash:32).
 * @throws StatementError when the hash is not 32 bytes
 */
export function possessionDigest(bundleHash: Buffer): Buffer {
    return sha256(Buffer.concat([Buffer.from('CPos'), bytes32('bundleHash', bundleHash)]));
}

/**
 * What the provider's operator key signs to let a node join: SHA256("CAut" | network:32 | provider:32 | bundle_hash:32).
 * @throws StatementError when a field does not fit
 */
export function authorizationDigest(options: { network: Buffer; provider: Buffer; bundleHash: Buffer }): Buffer {
    return sha256(
        Buffer.from('CAut', 'latin1'),
        bytes32('network', options.network),
        bytes32('provider', options.provider),
        bytes32('bundleHash', options.bundleHash),
    );
}

/**
 * The `authorization` of VerifyQuote and RecordKey; without a signature, the owner authorises the bundle by message.
 * @throws StatementError when the signature is not 64 bytes
 */
export function authorizationCell(signature?: Buffer): Cell {
    if (signature === undefined) return Cell.EMPTY;
    return beginCell()
        .storeBuffer(fixedBytes('authorization signature', signature, 64))
        .endCell();
}

/**
 * `report_data` of the quote, 64 bytes: hash of the bundle, then the root hash of its masterchain block in clear.
 * @throws StatementError when a field does not fit
 */
export function reportDataFor(bundle: KeyBundle): Buffer {
    return Buffer.concat([keyBundleHash(bundle), bundle.mcRootHash]);
}
