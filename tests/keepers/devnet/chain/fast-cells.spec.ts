import { beginCell, Builder, Cell } from '@ton/core';
import fc from 'fast-check';
import { bitsToPaddedBuffer } from '@ton/core/dist/boc/utils/paddedBits';

/** What the library does by itself, which fast-cells.ts keeps beside what it puts in its place. */
type WithOriginal<F> = F & { original: F };
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
