import { checkPrimeSync, constants, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { derivedBytes } from '../../mint/signing-key';

const exponent = 65537n;

/**
 * An RSA key derived from a seed and a label, so that every process of a development network finds the same root without
 * asking another. Signatures differ from time to time, for PSS salts them. For development roots only.
 */
export class RsaKey {
    /** SubjectPublicKeyInfo. */
    readonly spki: Buffer;

    private constructor(private readonly key: KeyObject) {
        this.spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    }

    /** Finding primes takes a moment, so a key is made once in the life of a process. */
    static derive(seed: Buffer, label: string, modulusBits = 2048): RsaKey {
        const id = `${seed.toString('hex')}:${label}:${modulusBits}`;
        const key = derived.get(id) ?? new RsaKey(makeKey(seed, label, modulusBits));
        derived.set(id, key);
        return key;
    }

    /** RSASSA-PSS with SHA-384 and a salt of 48 bytes. */
    sign(data: Buffer): Buffer {
        return sign('sha384', data, { key: this.key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 });
    }
}

const derived = new Map<string, RsaKey>();

function makeKey(seed: Buffer, label: string, modulusBits: number): KeyObject {
    const [p, q] = ['p', 'q'].map((name) => primeOf(seed, `rsa:${label}:${name}`, modulusBits / 2)) as [bigint, bigint];
    const d = inverse(exponent, (p - 1n) * (q - 1n));
    const numbers = { n: p * q, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
    const fields = Object.entries(numbers).map(
        ([name, value]) => [name, toBytes(value).toString('base64url')] as const,
    );
    return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries<string>(fields) }, format: 'jwk' });
}

/** The first prime from a derived start on; its two top bits are set, so that a product of two has full length. */
function primeOf(seed: Buffer, label: string, bits: number): bigint {
    const blocks = Array.from({ length: bits / 512 }, (_, i) => derivedBytes(seed, `${label}:${i}`, 64));
    const start = Buffer.concat(blocks);
    start[0]! |= 0xc0;
    start[start.length - 1]! |= 1;
    let candidate = BigInt(`0x${start.toString('hex')}`);
    while ((candidate - 1n) % exponent === 0n || !checkPrimeSync(candidate)) candidate += 2n;
    return candidate;
}

function inverse(value: bigint, modulus: bigint): bigint {
    let [a, b, x, y] = [value, modulus, 1n, 0n];
    while (b !== 0n) {
        const quotient = a / b;
        [a, b] = [b, a - quotient * b];
        [x, y] = [y, x - quotient * y];
    }
    return x < 0n ? x + modulus : x;
}

function toBytes(value: bigint): Buffer {
    const hex = value.toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}
