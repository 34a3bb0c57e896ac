import { createHash, randomBytes } from 'node:crypto';
import { P256Check, p256Hints, P256Hints, p256Order, toBytes, toInteger } from '../../../wrappers/quote-packer-p256';
import { createVerifier } from './support/environment';
import { createKeyPair, KeyPair, signRaw } from './support/minted-certificate';
import { mintedAtSec } from './support/minted-quote';
import { describeWithVectors, readVector } from './support/vectors';

const anyHints: P256Hints = { d: 1n, shiftX: 1n, slope: 1n };

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
