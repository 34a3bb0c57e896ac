/**
 * The key shift of contracts/attestation/p256.tact on a curve so small that every case can be tried: y² = x³ - 3x + 10 over F43, of prime
 * order 37. All keys, all signatures, all digests, all hints. docs/decisions/2026-11-22-p256-by-key-shift.md has the proof that this checks.
 */
const p = 43;
const b = 10;
const n = 37;
/** With Gx >= p - n no other x is congruent to it modulo n: the proof needs that, and P-256's generator has it. */
const generator: Point = { x: 8, y: 5 };

interface Point {
    x: number;
    y: number;
}

const mod = (value: number, modulus: number): number => ((value % modulus) + modulus) % modulus;

function invert(value: number, modulus: number): number {
    for (let candidate = 1; candidate < modulus; candidate += 1) {
        if (mod(value * candidate, modulus) === 1) return candidate;
    }
    throw new RangeError(`${value} has no inverse modulo ${modulus}`);
}

function add(left: Point | null, right: Point | null): Point | null {
    if (left === null) return right;
    if (right === null) return left;
    if (left.x === right.x && mod(left.y + right.y, p) === 0) return null;
    const slope =
        left.x === right.x
            ? mod((3 * left.x * left.x - 3) * invert(2 * left.y, p), p)
            : mod((right.y - left.y) * invert(mod(right.x - left.x, p), p), p);
    const x = mod(slope * slope - left.x - right.x, p);
    return { x, y: mod(slope * (left.x - x) - left.y, p) };
}

/** k*G for k = 0 (null) to n - 1; every point of the curve is one of them. */
const multiples: (Point | null)[] = [null];
for (let k = 1; k < n; k += 1) multiples.push(add(multiples[k - 1]!, generator));

const inverses = Array.from({ length: n }, (_, value) => (value === 0 ? 0 : invert(value, n)));
const gx = mod(generator.x, n);

/** ECDSA with the key q*G, by the scalars of all points: what the opcode does with a digest. */
function ecdsaValid(digest: number, r: number, s: number, q: number): boolean {
    if (r <= 0 || r >= n || s <= 0 || s >= n || q === 0) return false;
    const sum = multiples[mod((digest + r * q) * inverses[s]!, n)];
    return sum !== null && mod(sum!.x, n) === r;
}

interface Digests {
    /** of the messages 0 and 1 */
    zero: number;
    one: number;
}

/** By e, d and k: whether (Gx, e + Gx*d) verifies for a message of digest e under the key k*G. Tens of millions of cases ask. */
const proofs = table((e) => table((d) => table((k) => ecdsaValid(e, gx, mod(e + gx * d, n), k))));

function table<T>(entry: (index: number) => T): T[] {
    return Array.from({ length: n }, (_, index) => entry(index));
}

const proves = (e: number, d: number, k: number): boolean => proofs[e]![d]![k]!;

/** The contract's check with the hint D = shift*G; d is fixed by d*r = digest - e0. */
function shiftedValid(digest: number, r: number, s: number, q: number, shift: number, { zero, one }: Digests): boolean {
    const d = mod((digest - zero) * inverses[r]!, n);
    if (!proves(zero, d, shift) || !proves(one, d, shift)) return false;
    // The chord rule has no line through points above one another.
    if (multiples[shift]!.x === multiples[q]!.x) return false;
    return ecdsaValid(zero, r, s, mod(q + shift, n));
}

/** Calls back for each key, signature and digest: 36 * 36 * 36 * 37 of them. */
function forEachCase(visit: (digest: number, r: number, s: number, q: number) => void): void {
    for (let q = 1; q < n; q += 1) {
        for (let r = 1; r < n; r += 1) {
            for (let s = 1; s < n; s += 1) {
                for (let digest = 0; digest < n; digest += 1) visit(digest, r, s, q);
            }
        }
    }
}

const somePairs: Digests[] = [
    { zero: 5, one: 29 },
    { zero: 0, one: 1 },
];

it('the toy curve is what it is taken for', () => {
    expect(multiples.slice(1).every((point) => mod(point!.y ** 2 - point!.x ** 3 + 3 * point!.x - b, p) === 0)).toBe(
        true,
    );
    expect(add(multiples[n - 1]!, generator)).toBeNull();
    expect(new Set(multiples.slice(1).map((point) => `${point!.x} ${point!.y}`)).size).toBe(n - 1);
    expect(generator.x).toBeGreaterThanOrEqual(p - n);
});

describe.each(somePairs)('with messages of digest $zero and $one', (digests) => {
    it('no hint makes the check accept a signature that is not valid', () => {
        let forged = 0;
        forEachCase((digest, r, s, q) => {
            if (ecdsaValid(digest, r, s, q)) return;
            for (let shift = 1; shift < n; shift += 1) {
                if (shiftedValid(digest, r, s, q, shift, digests)) forged += 1;
            }
        });
        expect(forged).toBe(0);
    });

    it('the honest hint makes it accept every valid one, but for the gaps that the proof names', () => {
        let [missed, valid] = [0, 0];
        forEachCase((digest, r, s, q) => {
            if (!ecdsaValid(digest, r, s, q)) return;
            valid += 1;
            const d = mod((digest - digests.zero) * inverses[r]!, n);
            const isGap =
                d === 0 ||
                multiples[d]!.x === multiples[q]!.x ||
                mod(digests.zero + gx * d, n) === 0 ||
                mod(digests.one + gx * d, n) === 0;
            const isAccepted = d !== 0 && shiftedValid(digest, r, s, q, d, digests);
            if (isAccepted === isGap) missed += 1;
        });
        expect(valid).toBeGreaterThan(10_000);
        expect(missed).toBe(0);
    });
});

it('with message 0 alone there are forgeries: the second proof is needed', () => {
    let forged = 0;
    const { zero } = somePairs[0]!;
    forEachCase((digest, r, s, q) => {
        if (ecdsaValid(digest, r, s, q)) return;
        const d = mod((digest - zero) * inverses[r]!, n);
        for (let shift = 1; shift < n; shift += 1) {
            const isLine = multiples[shift]!.x !== multiples[q]!.x;
            if (isLine && proves(zero, d, shift) && ecdsaValid(zero, r, s, mod(q + shift, n))) forged += 1;
        }
    });
    expect(forged).toBeGreaterThan(0);
});
