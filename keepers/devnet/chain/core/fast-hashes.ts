/**
 * Every cell that is built is hashed, at all levels that a pruned tree may have. An ordinary cell over ordinary ones has one
 * hash; this computes that, and leaves the others to the library. What stood there before is kept beside it.
 */
import { hash } from 'node:crypto';
import { BitString, type Cell, CellType } from '@ton/core';
/* eslint-disable @typescript-eslint/no-require-imports -- what `import *` gives is a copy under some compilers: replacing in it replaces nothing */
import paddedBits = require('@ton/core/dist/boc/utils/paddedBits');
import wonder = require('@ton/core/dist/boc/cell/wonderCalculator');
/* eslint-enable @typescript-eslint/no-require-imports */

type WonderCalculator = typeof wonder.wonderCalculator;

const forAnyCell = wonder.wonderCalculator;
/** Cells freeze what they hold, so all may hold the same. */
const { mask: noLevels } = forAnyCell(CellType.Ordinary, BitString.EMPTY, []);

const wonderCalculator: WonderCalculator = (type, bits, refs) => {
    if (type !== CellType.Ordinary || refs.some(({ mask }) => mask.value !== 0)) return forAnyCell(type, bits, refs);
    const depth = refs.reduce((deepest, ref) => Math.max(deepest, ref.depth(0) + 1), 0);
    const digest = hash('sha256', representation(bits, refs), 'buffer');
    return { mask: noLevels, hashes: [digest, digest, digest, digest], depths: [depth, depth, depth, depth] };
};

/** Two descriptors, the bits, the depth of each child and then the hash of each. */
function representation(bits: BitString, refs: readonly Cell[]): Buffer {
    const padded = paddedBits.bitsToPaddedBuffer(bits);
    const bytes = Buffer.allocUnsafe(2 + padded.length + refs.length * (2 + 32));
    bytes[0] = refs.length;
    bytes[1] = padded.length + (bits.length >> 3);
    padded.copy(bytes, 2);
    let at = 2 + padded.length;
    for (const ref of refs) at = bytes.writeUInt16BE(ref.depth(0), at);
    for (const ref of refs) at += ref.hash(0).copy(bytes, at);
    return bytes;
}

Object.assign(wonder, { wonderCalculator: Object.assign(wonderCalculator, { original: forAnyCell }) });
