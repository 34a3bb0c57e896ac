import { createHash, ECDH, randomBytes } from 'node:crypto';
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
import { createKeyPair, KeyPair, signRaw } from './support/minted-certificate';
import { mintedAtSec } from './support/minted-quote';
import { describeWithVectors, readVector } from './support/vectors';

const generatorX = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n;
const anyHints: P256Hints = { d: 1n, shiftX: generatorX, slope: 1n };

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

type Verifier = Awaited<ReturnType<typeof createVerifier>>['verifier'];
let verifier: Verifier;

beforeAll(async () => {
    ({ verifier } = await createVerifier({ rootKey: createKeyPair().point, nowSec: mintedAtSec }));
});

function isValid(check: P256Check, hints: P256Hints | undefined = p256Hints(check)): Promise<boolean> {
    return verifier.getP256Valid({ ...check, hints: hints ?? anyHints });
}

function randomCheck(key: KeyPair): P256Check {
    const message = randomBytes(48);
    return { digest: sha256(message), signature: signRaw(key, message), key: key.point };
}

function flipped(bytes: Buffer, at: number): Buffer {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1 << (at % 8);
    return copy;
}

describe('a P-256 signature over any digest', () => {
    const rounds = 60;

    it('is accepted when genuine', async () => {
        for (let round = 0; round < rounds; round++) {
            expect(await isValid(randomCheck(createKeyPair()))).toBe(true);
        }
    });

    it('is accepted with n - s as well, as ECDSA is', async () => {
        const check = randomCheck(createKeyPair());
        const s = p256Order - toInteger(check.signature.subarray(32));
        const signature = Buffer.concat([check.signature.subarray(0, 32), toBytes(s, 32)]);
        expect(await isValid({ ...check, signature })).toBe(true);
    });

    it.each(['digest', 'signature', 'key'] as const)(
        'is refused with a bit of the %s changed, hints made to fit',
        async (field) => {
            const check = randomCheck(createKeyPair());
            for (let at = 0; at < check[field].length; at++) {
                expect(await isValid({ ...check, [field]: flipped(check[field], at) })).toBe(false);
            }
        },
    );

    it.each(['d', 'shiftX', 'slope'] as const)('is refused with another %s', async (hint) => {
        for (let round = 0; round < rounds / 3; round++) {
            const check = randomCheck(createKeyPair());
            const hints = p256Hints(check)!;
            expect(await isValid(check, { ...hints, [hint]: hints[hint] ^ (1n << BigInt(round * 12)) })).toBe(false);
            expect(await isValid(check, { ...hints, [hint]: 0n })).toBe(false);
        }
    });

    it('is refused for a genuine signature of another message, whatever the hints are borrowed from', async () => {
        const key = createKeyPair();
        const [first, second] = [randomCheck(key), randomCheck(key)];
        expect(await isValid({ ...first, digest: second.digest })).toBe(false);
        expect(await isValid({ ...first, digest: second.digest }, p256Hints(first))).toBe(false);
        expect(await isValid({ ...first, digest: second.digest }, p256Hints(second))).toBe(false);
    });
});

describe('a forger who holds the private key and picks hints', () => {
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

    it('gains nothing from D with the x coordinate of the key', async () => {
        const check = randomCheck(createKeyPair());
        const hints = { ...p256Hints(check)!, shiftX: toInteger(check.key.subarray(0, 32)) };
        expect(await isValid(check, hints)).toBe(false);
    });
});

describeWithVectors('Wycheproof, ECDSA P-256 with SHA-256, r | s', () => {
    interface Group {
        publicKey: { uncompressed: string };
        tests: { tcId: number; msg: string; sig: string; result: string }[];
    }

    it('agrees in all 241 cases of well-formed length', async () => {
        const file = readVector('wycheproof/ecdsa_secp256r1_sha256_p1363_test.json').toString();
        const { testGroups: groups } = JSON.parse(file) as { testGroups: Group[] };
        const disagreements: number[] = [];
        let cases = 0;
        for (const { publicKey, tests } of groups) {
            const key = Buffer.from(publicKey.uncompressed, 'hex').subarray(1);
            for (const { tcId, msg, sig, result } of tests.filter((test) => test.sig.length === 128)) {
                const check = { digest: sha256(Buffer.from(msg, 'hex')), signature: Buffer.from(sig, 'hex'), key };
                cases++;
                if ((await isValid(check)) !== (result === 'valid')) disagreements.push(tcId);
            }
        }
        expect({ cases, disagreements }).toEqual({ cases: 241, disagreements: [] });
    });
});
