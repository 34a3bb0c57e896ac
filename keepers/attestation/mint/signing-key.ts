import { createECDH, createHash, createHmac } from 'node:crypto';
import { ecdsaWithSha256Algorithm, ecdsaWithSha384Algorithm, p256SpkiPrefix, p384SpkiPrefix } from '../parse/oids';
import { integer, sequence } from './der-writer';

export interface Curve {
    name: string;
    order: bigint;
    /** Of a scalar or a coordinate. */
    bytes: number;
    hash: string;
    spkiPrefix: Buffer;
    /** Of a certificate that such a key signs. */
    signatureAlgorithm: Buffer;
}

export const p256: Curve = {
    name: 'prime256v1',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    bytes: 32,
    hash: 'sha256',
    spkiPrefix: p256SpkiPrefix,
    signatureAlgorithm: ecdsaWithSha256Algorithm,
};

export const p384: Curve = {
    name: 'secp384r1',
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    bytes: 48,
    hash: 'sha384',
    spkiPrefix: p384SpkiPrefix,
    signatureAlgorithm: ecdsaWithSha384Algorithm,
};

/**
 * A P-256 key (or one of another curve, where named) derived from a seed and a label, so that a development network can be made again from its seed, byte for
 * byte: signatures too, for their nonce is derived (HMAC of key and digest) and not drawn. For development roots only;
 * nothing here resists timing attacks.
 */
export class SigningKey {
    private readonly secret: bigint;
    /** Uncompressed point: 65 bytes for P-256. */
    readonly publicKey: Buffer;

    constructor(
        seed: Buffer,
        label: string,
        readonly curve: Curve = p256,
    ) {
        this.secret = scalarOf(curve, seed, `key:${label}`);
        this.publicKey = pointOf(curve, this.secret);
    }

    get spki(): Buffer {
        return Buffer.concat([this.curve.spkiPrefix, this.publicKey]);
    }

    /** r | s, each as long as a scalar of the curve. */
    sign(data: Buffer): Buffer {
        const { curve, secret } = this;
        const digest = createHash(curve.hash).update(data).digest();
        const nonce = scalarOf(curve, Buffer.concat([toBytes(curve, secret), digest]), 'nonce');
        const r = toNumber(pointOf(curve, nonce).subarray(1, 1 + curve.bytes)) % curve.order;
        const s = mod(curve, inverse(curve, nonce) * (toNumber(digest) + r * secret));
        return Buffer.concat([toBytes(curve, r), toBytes(curve, s)]);
    }

    /** SEQUENCE { r, s }, as certificates carry it. */
    signDer(data: Buffer): Buffer {
        const signature = this.sign(data);
        const { bytes } = this.curve;
        return sequence(unsigned(signature.subarray(0, bytes)), unsigned(signature.subarray(bytes)));
    }
}

/** Deterministic bytes for ids and serials. */
export function derivedBytes(seed: Buffer, label: string, length: number): Buffer {
    return createHmac('sha512', seed).update(label).digest().subarray(0, length);
}

function scalarOf({ order }: Curve, seed: Buffer, label: string): bigint {
    return (toNumber(createHmac('sha512', seed).update(label).digest()) % (order - 1n)) + 1n;
}

function pointOf(curve: Curve, scalar: bigint): Buffer {
    const ecdh = createECDH(curve.name);
    ecdh.setPrivateKey(toBytes(curve, scalar));
    return ecdh.getPublicKey();
}

function inverse(curve: Curve, value: bigint): bigint {
    let [a, b, x, y] = [value, curve.order, 1n, 0n];
    while (b !== 0n) {
        const quotient = a / b;
        [a, b] = [b, a - quotient * b];
        [x, y] = [y, x - quotient * y];
    }
    return mod(curve, x);
}

function mod({ order }: Curve, value: bigint): bigint {
    const rest = value % order;
    return rest < 0n ? rest + order : rest;
}

function toNumber(bytes: Buffer): bigint {
    return BigInt(`0x${bytes.toString('hex')}`);
}

function toBytes({ bytes }: Curve, value: bigint): Buffer {
    return Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex');
}

function unsigned(bytes: Buffer): Buffer {
    const first = bytes.findIndex((byte) => byte !== 0);
    return integer(bytes.subarray(first));
}
