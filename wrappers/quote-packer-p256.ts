import { createECDH, createHash } from 'node:crypto';

/** The three numbers that let TVM check a P-256 signature over any digest; see contracts/attestation/p256.tact for why they need no trust. */
export interface P256Hints {
    /** (digest - e0) / r mod n */
    d: bigint;
    /** x coordinate of d*G */
    shiftX: bigint;
    /** slope of the line through the key and d*G */
    slope: bigint;
}

export interface P256Check {
    /** 32 bytes */
    digest: Buffer;
    /** r | s, 64 bytes */
    signature: Buffer;
    /** x | y, 64 bytes */
    key: Buffer;
}

export const p256Prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
export const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const digestOfZero = toInteger(createHash('sha256').update(Buffer.alloc(32)).digest());

export function toInteger(bytes: Buffer): bigint {
    return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
}

export function toBytes(value: bigint, length: number): Buffer {
    return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
}

export function modulo(value: bigint, modulus: bigint): bigint {
    const rest = value % modulus;
    return rest < 0n ? rest + modulus : rest;
}

/** Inverse by the extended Euclidean algorithm; undefined where there is none. */
export function inverse(value: bigint, modulus: bigint): bigint | undefined {
    let [a, b] = [modulo(value, modulus), modulus];
    let [x, y] = [1n, 0n];
    while (b !== 0n) {
        const quotient = a / b;
        [a, b] = [b, a - quotient * b];
        [x, y] = [y, x - quotient * y];
    }
    return a === 1n ? modulo(x, modulus) : undefined;
}

/** d*G as coordinates, for 0 < d < n. */
export function multiplyGenerator(d: bigint): { x: bigint; y: bigint } {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(toBytes(d, 32));
    const point = ecdh.getPublicKey();
    return { x: toInteger(point.subarray(1, 33)), y: toInteger(point.subarray(33, 65)) };
}

/** Hints for a check, or undefined where none exist: r = 0, digest = e0, or d*G straight above or below the key (never met by chance). */
export function p256Hints({ digest, signature, key }: P256Check): P256Hints | undefined {
    const inverseR = inverse(toInteger(signature.subarray(0, 32)), p256Order);
    if (inverseR === undefined) return undefined;
    const d = modulo((toInteger(digest) - digestOfZero) * inverseR, p256Order);
    if (d === 0n) return undefined;
    const shift = multiplyGenerator(d);
    const slopeDenominator = inverse(toInteger(key.subarray(0, 32)) - shift.x, p256Prime);
    if (slopeDenominator === undefined) return undefined;
    const slope = modulo((toInteger(key.subarray(32, 64)) - shift.y) * slopeDenominator, p256Prime);
    return { d, shiftX: shift.x, slope };
}
