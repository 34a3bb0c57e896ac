/**
 * The library reads a bag of cells bit by bit, by way of objects for each of its numbers. This reads bytes, and leaves a bag
 * that has anything unusual, every refusal among it, to the library. What stood there before is kept beside it.
 */
import { BitString, Cell } from '@ton/core';
/* eslint-disable @typescript-eslint/no-require-imports -- what `import *` gives is a copy under some compilers: replacing in it replaces nothing */
import serialization = require('@ton/core/dist/boc/cell/serialization');
/* eslint-enable @typescript-eslint/no-require-imports */

type DeserializeBoc = typeof serialization.deserializeBoc;

/** One cell as the bag has it; cells that it refers to come after it. */
interface Entry {
    bits: BitString;
    refs: number[];
    end: number;
}

/** Enough for any bag that somebody made of cells. */
const maxIndexBytes = 4;
const bitByBit = serialization.deserializeBoc;

const deserializeBoc: DeserializeBoc = (source) => {
    const { cellData, cells: count, size, root } = serialization.parseBoc(source);
    if (size < 1 || size > maxIndexBytes || root.some((index) => index >= count)) return bitByBit(source);
    const entries: Entry[] = [];
    for (let at = 0; entries.length < count; at = entries.at(-1)!.end) {
        const entry = entryAt(cellData, at, size);
        if (entry === undefined) return bitByBit(source);
        entries.push(entry);
    }
    const cells = Array<Cell | undefined>(count);
    for (let index = count - 1; index >= 0; index -= 1) {
        const { bits, refs: indices } = entries[index]!;
        const refs: Cell[] = [];
        for (const one of indices) {
            const cell = cells[one];
            if (cell === undefined) return bitByBit(source);
            refs.push(cell);
        }
        cells[index] = new Cell({ bits, refs });
    }
    return root.map((index) => cells[index]!);
};

/** @returns undefined where a cell is exotic, brings its hashes, or does not end well */
function entryAt(data: Buffer, at: number, indexBytes: number): Entry | undefined {
    const [first, second] = [data[at], data[at + 1]];
    if (first === undefined || second === undefined || first > 4) return undefined;
    const begin = at + 2;
    const afterBits = begin + ((second + 1) >> 1);
    const end = afterBits + first * indexBytes;
    if (end > data.length) return undefined;
    let bitCount = (afterBits - begin) * 8;
    if ((second & 1) === 1) {
        const last = data[afterBits - 1]!;
        if (last === 0) return undefined;
        // The lowest bit that is set ends the bits and is none of them.
        bitCount -= 32 - Math.clz32(last & -last);
    }
    const refs: number[] = [];
    for (let from = afterBits; from < end; from += indexBytes) refs.push(data.readUIntBE(from, indexBytes));
    const bits = bitCount === 0 ? BitString.EMPTY : new BitString(data, begin * 8, bitCount);
    return { bits, refs, end };
}

Object.assign(serialization, { deserializeBoc: Object.assign(deserializeBoc, { original: bitByBit }) });
