import { beginCell, Builder, Cell, CellType } from '@ton/core';
import fc from 'fast-check';
import { deserializeBoc } from '@ton/core/dist/boc/cell/serialization';
import { wonderCalculator } from '@ton/core/dist/boc/cell/wonderCalculator';
import { bitsToPaddedBuffer } from '@ton/core/dist/boc/utils/paddedBits';

/** What the library does by itself, which fast-cells.ts and its neighbours keep beside what they put in its place. */
type WithOriginal<F> = F & { original: F };
const wonders = wonderCalculator as WithOriginal<typeof wonderCalculator>;
const deserialize = deserializeBoc as WithOriginal<typeof deserializeBoc>;
const padded = bitsToPaddedBuffer as WithOriginal<typeof bitsToPaddedBuffer>;
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the cell it is for
const toBoc = Cell.prototype.toBoc as WithOriginal<typeof Cell.prototype.toBoc>;

const bits = fc.array(fc.boolean(), { maxLength: 200 });
const tree = fc.letrec<{ cell: Cell }>((tie) => ({
    cell: fc.oneof(
        { maxDepth: 4 },
        bits.map((content) => built(content, [])),
        fc.tuple(bits, fc.array(tie('cell'), { maxLength: 3 })).map(([content, children]) => built(content, children)),
    ),
})).cell;

function built(content: readonly boolean[], children: readonly Cell[]): Cell {
    const builder: Builder = beginCell();
    for (const bit of content) builder.storeBit(bit);
    for (const child of children) builder.storeRef(child);
    return builder.endCell();
}

test('bits are padded to the bytes that the library makes of them, from whichever bit they begin', () => {
    fc.assert(
        fc.property(bits, fc.nat(200), (content, from) => {
            const { bits: whole } = built(content, []);
            const begin = Math.min(from, whole.length);
            const part = whole.substring(begin, whole.length - begin);
            expect(padded(part)).toEqual(padded.original(part));
        }),
        { numRuns: 300 },
    );
});

test('a cell is serialized to the same bytes, the first time and again, also after somebody wrote over them', () => {
    fc.assert(
        fc.property(tree, (cell) => {
            const expected = toBoc.original.call(cell);
            const first = cell.toBoc();
            expect(first).toEqual(expected);
            first.fill(0);
            expect(cell.toBoc()).toEqual(expected);
            expect(Cell.fromBoc(expected)[0]!.toBoc()).toEqual(expected);
            expect(cell.toBoc({ crc32: false })).toEqual(toBoc.original.call(cell, { crc32: false }));
        }),
        { numRuns: 100 },
    );
});

/** The hashes, depths and mask that the constructor of a cell is given. */
const computed = (compute: typeof wonderCalculator, type: CellType, { bits, refs }: Cell) => compute(type, bits, refs);

/** pruned_branch#01 level_mask:uint8 hash:bits256 depth:uint16 */
const pruned = new Cell({
    exotic: true,
    bits: beginCell().storeUint(0x0101, 16).storeBuffer(Buffer.alloc(32, 7)).storeUint(3, 16).endCell().bits,
});

test('a cell has the hashes and depths that the library computes, over a pruned one too', () => {
    fc.assert(
        fc.property(tree, fc.boolean(), (cell, isOverPruned) => {
            const parent = isOverPruned ? built([true], [cell, pruned]) : cell;
            const expected = computed(wonders.original, CellType.Ordinary, parent);
            expect(computed(wonders, CellType.Ordinary, parent)).toEqual(expected);
            expect([0, 1, 2, 3].map((level) => parent.hash(level))).toEqual(expected.hashes);
        }),
        { numRuns: 100 },
    );
});

const outcome = (read: typeof deserializeBoc, bytes: Buffer) => {
    try {
        return read(bytes).map((cell) => toBoc.original.call(cell).toString('hex'));
    } catch (error) {
        return String(error);
    }
};

test('a bag is read as the library reads it, or refused in the same words where a byte of it is another', () => {
    const change = fc.tuple(fc.nat(1_000), fc.nat(255));
    fc.assert(
        fc.property(tree, fc.boolean(), fc.option(change), (cell, idx, changed) => {
            const bytes = toBoc.original.call(cell, { idx, crc32: false });
            // A first byte that is another is refused by the magic number; what follows it says how long all else is.
            if (changed !== null) bytes[4 + (changed[0] % (bytes.length - 4))] = changed[1];
            expect(outcome(deserialize, bytes)).toEqual(outcome(deserialize.original, bytes));
        }),
        { numRuns: 500 },
    );
});

test('a bag with exotic cells in it is left to the library', () => {
    const bytes = toBoc.original.call(built([true], [pruned]));
    expect(outcome(deserialize, bytes)).toEqual([bytes.toString('hex')]);
});
