import { createHash } from 'node:crypto';
import { BitBuilder, BitReader, BitString } from '@ton/core';
import fc from 'fast-check';
import '../../../../keepers/devnet/chain/core/fast-bits';

type Call = (this: unknown, ...args: never[]) => unknown;
type Replaced = Record<string, Call & { original: Call }>;

/** What a call gives, or how it is refused. */
function outcomeOf(act: () => unknown): unknown {
    try {
        return { value: act() };
    } catch (error) {
        return { refused: (error as Error).message };
    }
}

const readers = BitReader.prototype as unknown as Replaced;
const builders = BitBuilder.prototype as unknown as Replaced;
const source = fc
    .record({ seed: fc.string(), byteCount: fc.nat(128), begin: fc.nat(40), spare: fc.nat(20) })
    .map(({ seed, byteCount, begin, spare }) => {
        // Bytes of all kinds: those that the generator likes best are small.
        const bytes = createHash('shake256', { outputLength: byteCount }).update(seed).digest();
        const from = Math.min(begin, byteCount * 8);
        return new BitString(bytes, from, Math.max(0, byteCount * 8 - from - spare));
    });
const place = fc.nat(90);
/** Most of them around where a number ends. */
const width = fc.oneof(fc.integer({ min: -2, max: 300 }), fc.integer({ min: 1, max: 66 }));

test.each(['loadUint', 'preloadUint'])('%s reads what the library reads, and refuses what it refuses', (name) => {
    fc.assert(
        fc.property(source, place, width, (bits, at, count) => {
            const [fast, slow] = [new BitReader(bits, at), new BitReader(bits, at)];
            const read = (reader: BitReader, call: Call) => outcomeOf(() => call.call(reader, count as never));
            expect(read(fast, readers[name]!)).toEqual(read(slow, readers[name]!.original));
            expect(fast.offset).toBe(slow.offset);
        }),
        { numRuns: 2_000 },
    );
});

test.each([
    ['_preloadUint', width],
    ['_preloadBuffer', fc.integer({ min: -1, max: 40 })],
] as const)('%s reads what the library reads, from whichever bit it begins', (name, counts) => {
    fc.assert(
        fc.property(source, place, counts, (bits, at, count) => {
            const reader = new BitReader(bits);
            const read = (call: Call) => outcomeOf(() => call.call(reader, count as never, at as never));
            expect(read(readers[name]!)).toEqual(read(readers[name]!.original));
        }),
        { numRuns: 2_000 },
    );
});

type Written = { value: bigint | number; bits: number } | BitString;
const number = fc.oneof(
    fc.bigInt({ min: -2n, max: 1n << 70n }),
    fc.bigInt({ min: 0n, max: 1n << 257n }),
    fc.maxSafeInteger(),
    fc.nat(300),
    fc.constantFrom(0.5, NaN, -1),
);
const written = fc.array(
    fc.oneof(
        source,
        fc.record({
            value: number,
            bits: fc.oneof(fc.integer({ min: -1, max: 80 }), fc.constantFrom(8, 64, 256, 256.5, 257)),
        }),
    ),
    { maxLength: 8 },
);

function write(steps: readonly Written[], call: (name: string) => Call): unknown[] {
    const builder = new BitBuilder();
    const outcomes = steps.map((step) =>
        outcomeOf(() =>
            step instanceof BitString
                ? call('writeBits').call(builder, step as never)
                : call('writeUint').call(builder, step.value as never, step.bits as never),
        ),
    );
    return [...outcomes, builder.length, outcomeOf(() => builder.build().toString())];
}

test('numbers and bits are written as the library writes them, one after the other, and refused as it does', () => {
    fc.assert(
        fc.property(written, (steps) => {
            const fast = write(steps, (name) => builders[name]!);
            expect(fast).toEqual(write(steps, (name) => builders[name]!.original));
        }),
        { numRuns: 2_000 },
    );
});
