import { createHash, ECDH } from 'node:crypto';
import {
    inverse,
    modulo,
    multiplyGenerator,
    P256Check,
    p256Hints,
    P256Hints,
    p256Order,
    p256Prime,
    toBytes,
    toInteger,
} from '../../../wrappers/quote-packer-p256';
import { createVerifier } from './support/environment';
import { createKeyPair } from './support/minted-certificate';
import { mintedAtSec } from './support/minted-quote';

const generatorX = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n;
const anyHints: P256Hints = { d: 1n, shiftX: generatorX, slope: 1n };
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const digestOf = (message: 0 | 1): bigint => toInteger(sha256(toBytes(BigInt(message), 32)));

let verifier: Awaited<ReturnType<typeof createVerifier>>['verifier'];

beforeAll(async () => {
    ({ verifier } = await createVerifier({ rootKey: createKeyPair().point, nowSec: mintedAtSec }));
});

function isValid(check: P256Check, hints: P256Hints | undefined = p256Hints(check)): Promise<boolean> {
    return verifier.getP256Valid({ ...check, hints: hints ?? anyHints });
}

interface Point {
    x: bigint;
    y: bigint;
}

const keyBytes = ({ x, y }: Point): Buffer => Buffer.concat([toBytes(x, 32), toBytes(y, 32)]);

function power(base: bigint, exponent: bigint): bigint {
    let result = 1n;
    for (let [square, rest] = [modulo(base, p256Prime), exponent]; rest > 0n; rest >>= 1n) {
        if (rest & 1n) result = modulo(result * square, p256Prime);
        square = modulo(square * square, p256Prime);
    }
    return result;
}

/** A square root modulo the prime (which is 3 modulo 4), if there is one. */
function squareRoot(value: bigint): bigint | undefined {
    const root = power(value, (p256Prime + 1n) / 4n);
    return modulo(root * root - value, p256Prime) === 0n ? root : undefined;
}

/** What a forger fixes first: a nonce, hence r; and s once it knows the private key that message 0 must verify under. */
const nonce = 424_242n;
const r = modulo(multiplyGenerator(nonce).x, p256Order);

function signatureFor(targetSecret: bigint): Buffer {
    const s = modulo((digestOf(0) + r * targetSecret) * inverse(nonce, p256Order)!, p256Order);
    return Buffer.concat([toBytes(r, 32), toBytes(s, 32)]);
}

/** d for a digest, and the digest for a d. */
const scalarFor = (digest: Buffer): bigint =>
    modulo((toInteger(digest) - digestOf(0)) * inverse(r, p256Order)!, p256Order);
const digestFor = (d: bigint): Buffer => toBytes(modulo(digestOf(0) + d * r, p256Order), 32);

/** The chord rule as the contract applies it: where the line of this slope through two points with these x meets the curve, mirrored. */
function chord(key: Point, shiftX: bigint, slope: bigint): Point {
    const x = modulo(slope * slope - key.x - shiftX, p256Prime);
    return { x, y: modulo(slope * (key.x - x) - key.y, p256Prime) };
}

/** Of a secret and its negative, the one whose public key has this parity. */
function withParity(secret: bigint, y: bigint): bigint {
    return (multiplyGenerator(secret).y & 1n) === (y & 1n) ? secret : p256Order - secret;
}

/**
 * A slope that leads from the key to a public key with a known secret. Without the check that D is on the curve this would forge any
 * digest under anyone's key: D's y is free but for its parity.
 */
function slopeToKnownSecret(key: Point, shift: Point): { slope: bigint; secret: bigint } {
    for (let secret = 1000n; ; secret++) {
        const root = squareRoot(multiplyGenerator(secret).x + key.x + shift.x);
        if (root === undefined) continue;
        for (const slope of [root, p256Prime - root]) {
            const shiftY = modulo(key.y - slope * (key.x - shift.x), p256Prime);
            const sum = chord(key, shift.x, slope);
            if ((shiftY & 1n) === (shift.y & 1n)) return { slope, secret: withParity(secret, sum.y) };
        }
    }
}

describe('a forger who picks the hints', () => {
    /**
     * With D = -(d + 2 e_h / Gx) G instead of d*G, the proof for message h passes; so does the main check, since s is made for the
     * key that results. Only the proof for the other message stands in the way.
     */
    function wrongSignForgery(message: 0 | 1): { check: P256Check; hints: P256Hints } {
        const [e0, eh] = [0, message].map((value) => toInteger(sha256(toBytes(BigInt(value), 32)))) as [bigint, bigint];
        const [secret, nonce] = [5n, 7n].map((seed) => modulo(seed ** 99n, p256Order)) as [bigint, bigint];
        const digest = sha256(Buffer.from('never signed'));
        const r = modulo(multiplyGenerator(nonce).x, p256Order);
        const d = modulo((toInteger(digest) - e0) * inverse(r, p256Order)!, p256Order);
        const shift = modulo(-(d + 2n * eh * inverse(generatorX, p256Order)!), p256Order);
        const s = modulo((e0 + r * (secret + shift)) * inverse(nonce, p256Order)!, p256Order);
        const [key, point] = [multiplyGenerator(secret), multiplyGenerator(shift)];
        const slope = modulo((key.y - point.y) * inverse(key.x - point.x, p256Prime)!, p256Prime);
        return {
            check: {
                digest,
                signature: Buffer.concat([toBytes(r, 32), toBytes(s, 32)]),
                key: Buffer.concat([toBytes(key.x, 32), toBytes(key.y, 32)]),
            },
            hints: { d, shiftX: point.x, slope },
        };
    }

    it.each([0, 1] as const)(
        'gains nothing from the point that satisfies only the proof for message %i',
        async (message) => {
            const { check, hints } = wrongSignForgery(message);
            expect(await isValid(check, hints)).toBe(false);
            expect(await isValid(check)).toBe(false);
        },
    );

    it('gains nothing from a second encoding of a key, x + p', async () => {
        // A key with a small x, and a digest for which a signature exists without its private key: R = uG + Q, s = r, e = ur.
        const point = ECDH.convertKey(Buffer.concat([Buffer.from([2]), toBytes(5n, 32)]), 'prime256v1') as Buffer;
        const [x, y] = [toInteger(point.subarray(1, 33)), toInteger(point.subarray(33))];
        const u = 12345n;
        const shift = multiplyGenerator(u);
        const slope = modulo((y - shift.y) * inverse(x - shift.x, p256Prime)!, p256Prime);
        const r = modulo(slope * slope - x - shift.x, p256Prime) % p256Order;
        const check = (keyX: bigint): P256Check => ({
            digest: toBytes(modulo(u * r, p256Order), 32),
            signature: Buffer.concat([toBytes(r, 32), toBytes(r, 32)]),
            key: Buffer.concat([toBytes(keyX, 32), toBytes(y, 32)]),
        });
        expect(await isValid(check(x))).toBe(true);
        expect(await isValid(check(x + p256Prime))).toBe(false);
    });

    it('gains nothing from a D off the curve, which would forge any digest under any key', async () => {
        const key = createKeyPair().point;
        const point = { x: toInteger(key.subarray(0, 32)), y: toInteger(key.subarray(32)) };
        const digest = sha256(Buffer.from('never signed'));
        const d = scalarFor(digest);
        const shift = multiplyGenerator(d);
        const { slope, secret } = slopeToKnownSecret(point, shift);
        const check = { digest, key, signature: signatureFor(secret) };
        expect(await isValid(check, { d, shiftX: shift.x, slope })).toBe(false);
    });

    it('gains nothing from a key off the curve', async () => {
        const digest = sha256(Buffer.from('never signed'));
        const d = scalarFor(digest);
        const shift = multiplyGenerator(d);
        const [slope, secret] = [31_337n, 1000n];
        const x = modulo(slope * slope - shift.x - multiplyGenerator(secret).x, p256Prime);
        const key = { x, y: modulo(shift.y + slope * (x - shift.x), p256Prime) };
        const signature = signatureFor(withParity(secret, chord(key, shift.x, slope).y));
        expect(await isValid({ digest, key: keyBytes(key), signature }, { d, shiftX: shift.x, slope })).toBe(false);
    });

    it('gains nothing from D = key, where any slope would do', async () => {
        const ownSecret = 777n;
        const key = multiplyGenerator(ownSecret);
        const { slope, secret } = slopeToKnownSecret(key, key);
        const check = { digest: digestFor(ownSecret), key: keyBytes(key), signature: signatureFor(secret) };
        expect(await isValid(check, { d: ownSecret, shiftX: key.x, slope })).toBe(false);
    });
});
