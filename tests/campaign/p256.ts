import { createHash, randomBytes } from 'node:crypto';
import {
    inverse,
    modulo,
    multiplyGenerator,
    p256Hints,
    p256Order,
    p256Prime,
    toBytes,
    toInteger,
    type P256Check,
    type P256Hints,
} from '../../wrappers/quote-packer-p256';
import { createVerifier } from '../contracts/attestation/support/environment';
import { mintedAtSec } from '../contracts/attestation/support/minted-quote';

export interface P256Campaign {
    accepted: number;
    refused: number;
    /** what was accepted though tampered with, or refused though genuine */
    wrong: string[];
}

const generatorX = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n;
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const digestOf = (message: 0 | 1): bigint => toInteger(sha256(toBytes(BigInt(message), 32)));

/** A signature over a digest made here, with its private key. */
interface Signed {
    check: P256Check;
    hints: P256Hints;
    secret: bigint;
}

function randomScalar(): bigint {
    return 1n + (toInteger(randomBytes(40)) % (p256Order - 1n));
}

const pointBytes = ({ x, y }: { x: bigint; y: bigint }): Buffer => Buffer.concat([toBytes(x, 32), toBytes(y, 32)]);

/** Textbook ECDSA, so that the digest can be any. */
function randomSignature(): Signed {
    const [secret, nonce] = [randomScalar(), randomScalar()];
    const digest = randomBytes(32);
    const r = modulo(multiplyGenerator(nonce).x, p256Order);
    const s = modulo((toInteger(digest) + r * secret) * inverse(nonce, p256Order)!, p256Order);
    const signature = Buffer.concat([toBytes(r, 32), toBytes(s, 32)]);
    const check = { digest, signature, key: pointBytes(multiplyGenerator(secret)) };
    return { check, hints: p256Hints(check)!, secret };
}

function flipped(bytes: Buffer, from: number, length: number): Buffer {
    const copy = Buffer.from(bytes);
    const bit = randomBytes(2).readUInt16BE() % (length * 8);
    copy[from + (bit >> 3)]! ^= 1 << (bit & 7);
    return copy;
}

type Tampering = (signed: Signed) => { check: P256Check; hints: P256Hints };

/** The hints are made anew, as an attacker would; hints that don't exist are those of the genuine signature. */
function rehinted(check: P256Check, { hints }: Signed): { check: P256Check; hints: P256Hints } {
    return { check, hints: p256Hints(check) ?? hints };
}

/**
 * D = -(d + 2 e_h/Gx)·G, which passes the proof for one message, with a signature made for the key that results: the forgery that the second
 * proof is there for. It takes the private key.
 */
function wrongSign(message: 0 | 1): Tampering {
    return ({ secret }) => {
        const digest = randomBytes(32);
        const nonce = randomScalar();
        const r = modulo(multiplyGenerator(nonce).x, p256Order);
        const d = modulo((toInteger(digest) - digestOf(0)) * inverse(r, p256Order)!, p256Order);
        const shift = modulo(-(d + 2n * digestOf(message) * inverse(generatorX, p256Order)!), p256Order);
        const s = modulo((digestOf(0) + r * (secret + shift)) * inverse(nonce, p256Order)!, p256Order);
        const [key, point] = [multiplyGenerator(secret), multiplyGenerator(shift)];
        const slope = modulo((key.y - point.y) * inverse(key.x - point.x, p256Prime)!, p256Prime);
        const signature = Buffer.concat([toBytes(r, 32), toBytes(s, 32)]);
        return { check: { digest, signature, key: pointBytes(key) }, hints: { d, shiftX: point.x, slope } };
    };
}

const withHint =
    (hint: keyof P256Hints): Tampering =>
    ({ check, hints }) => ({ check, hints: { ...hints, [hint]: hints[hint] ^ (1n << BigInt(randomBytes(1)[0]!)) } });

const tamperings: Record<string, Tampering> = {
    digest: (signed) => rehinted({ ...signed.check, digest: flipped(signed.check.digest, 0, 32) }, signed),
    r: (signed) => rehinted({ ...signed.check, signature: flipped(signed.check.signature, 0, 32) }, signed),
    s: (signed) => rehinted({ ...signed.check, signature: flipped(signed.check.signature, 32, 32) }, signed),
    key: (signed) => rehinted({ ...signed.check, key: flipped(signed.check.key, 0, 64) }, signed),
    d: withHint('d'),
    shiftX: withHint('shiftX'),
    slope: withHint('slope'),
    'D of the wrong sign for message 0': wrongSign(0),
    'D of the wrong sign for message 1': wrongSign(1),
};

/** So many random signatures, and as many tampered ones, each kind in turn, against the real contract. */
export async function runP256Campaign(
    { count }: { count: number },
    report: (done: number) => void = () => undefined,
): Promise<P256Campaign> {
    const { verifier } = await createVerifier({ rootKey: pointBytes(multiplyGenerator(5n)), nowSec: mintedAtSec });
    const kinds = Object.entries(tamperings);
    const result: P256Campaign = { accepted: 0, refused: 0, wrong: [] };
    for (let index = 0; index < count; index += 1) {
        const signed = randomSignature();
        if (await verifier.getP256Valid({ ...signed.check, hints: signed.hints })) result.accepted += 1;
        else result.wrong.push(`genuine: ${describe(signed.check)}`);
        const [kind, tamper] = kinds[index % kinds.length]!;
        const { check, hints } = tamper(signed);
        if (await verifier.getP256Valid({ ...check, hints })) result.wrong.push(`${kind}: ${describe(check)}`);
        else result.refused += 1;
        report(index + 1);
    }
    return result;
}

function describe({ digest, signature, key }: P256Check): string {
    return [digest, signature, key].map((bytes) => bytes.toString('hex')).join(' ');
}
