import { createECDH, createHash, createHmac } from 'node:crypto';
import { p256SpkiPrefix } from '../parse/oids';
import { integer, sequence } from './der-writer';

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * A P-256 key derived from a seed and a label, so that a development network can be made again from its seed, byte for
 * byte: signatures too, for their nonce is derived (HMAC of key and digest) and not drawn. For development roots only;
 * nothing here resists timing attacks.
 */
export class SigningKey {
    private readonly secret: bigint;
    /** Uncompressed point, 65 bytes. */
    readonly publicKey: Buffer;

    constructor(seed: Buffer, label: string) {
        this.secret = scalarOf(seed, `key:${label}`);
        this.publicKey = pointOf(this.secret);
    }

    get spki(): Buffer {
        return Buffer.concat([p256SpkiPrefix, this.publicKey]);
    }

    /** r | s, 64 bytes. */
    sign(data: Buffer): Buffer {
        const digest = createHash('sha256').update(data).digest();
        const nonce = scalarOf(Buffer.concat([toBytes(this.secret), digest]), 'nonce');
        const r = toNumber(pointOf(nonce).subarray(1, 33)) % order;
        const s = mod(inverse(nonce) * (toNumber(digest) + r * this.secret));
        return Buffer.concat([toBytes(r), toBytes(s)]);
    }

    /** SEQUENCE { r, s }, as certificates carry it. */
    signDer(data: Buffer): Buffer {
        const signature = this.sign(data);
        return sequence(unsigned(signature.subarray(0, 32)), unsigned(signature.subarray(32)));
    }
}

/** Deterministic bytes for ids and serials. */
export function derivedBytes(seed: Buffer, label: string, length: number): Buffer {
    return createHmac('sha512', seed).update(label).digest().subarray(0, length);
}

function scalarOf(seed: Buffer, label: string): bigint {
    return (toNumber(createHmac('sha512', seed).update(label).digest()) % (order - 1n)) + 1n;
}

function pointOf(scalar: bigint): Buffer {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(toBytes(scalar));
    return ecdh.getPublicKey();
}

function inverse(value: bigint): bigint {
    let [a, b, x, y] = [value, order, 1n, 0n];
    while (b !== 0n) {
        const quotient = a / b;
        [a, b] = [b, a - quotient * b];
        [x, y] = [y, x - quotient * y];
    }
    return mod(x);
}

function mod(value: bigint): bigint {
    const rest = value % order;
    return rest < 0n ? rest + order : rest;
}

function toNumber(bytes: Buffer): bigint {
    return BigInt(`0x${bytes.toString('hex')}`);
}

function toBytes(value: bigint): Buffer {
    return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}

function unsigned(bytes: Buffer): Buffer {
    const first = bytes.findIndex((byte) => byte !== 0);
    return integer(bytes.subarray(first));
}
