import { BitBuilder, type Cell } from '@ton/core';

const magic = 0xb5ee9c72;
const indexBytes = 4;
const offsetBytes = 4;

/** A bag of cells with several roots, which Cell.toBoc can't write and Cell.fromBoc reads: serialized_boc of TL-B. */
export function bagOfRoots(roots: readonly Cell[]): Buffer {
    const { order, place } = sorted(roots);
    const cells = Buffer.concat(order.map((cell) => cellBytes(cell, place)));
    const header = new BitBuilder(64 * 8 + roots.length * indexBytes * 8);
    header.writeUint(magic, 32);
    // No index, no checksum, no cache bits.
    header.writeUint(indexBytes, 8);
    header.writeUint(offsetBytes, 8);
    header.writeUint(order.length, indexBytes * 8);
    header.writeUint(roots.length, indexBytes * 8);
    header.writeUint(0, indexBytes * 8);
    header.writeUint(cells.length, offsetBytes * 8);
    for (const root of roots) header.writeUint(place.get(key(root))!, indexBytes * 8);
    return Buffer.concat([header.buffer(), cells]);
}

/** Every cell once, before those that it refers to. */
function sorted(roots: readonly Cell[]): { order: Cell[]; place: Map<string, number> } {
    const postOrder: Cell[] = [];
    const seen = new Set<string>();
    const visit = (cell: Cell): void => {
        if (seen.has(key(cell))) return;
        seen.add(key(cell));
        for (const ref of cell.refs) visit(ref);
        postOrder.push(cell);
    };
    for (const root of roots) visit(root);
    const order = postOrder.reverse();
    return { order, place: new Map(order.map((cell, index) => [key(cell), index])) };
}

function key(cell: Cell): string {
    return cell.hash().toString('latin1');
}

function cellBytes(cell: Cell, place: ReadonlyMap<string, number>): Buffer {
    const { bits, refs, mask, isExotic } = cell;
    const whole = Math.floor(bits.length / 8);
    const padded = Math.ceil(bits.length / 8);
    const bytes = new BitBuilder((2 + padded + refs.length * indexBytes) * 8);
    bytes.writeUint(refs.length + (isExotic ? 8 : 0) + mask.value * 32, 8);
    bytes.writeUint(whole + padded, 8);
    bytes.writeBits(bits);
    if (padded > whole) {
        bytes.writeBit(1);
        bytes.writeUint(0, padded * 8 - bits.length - 1);
    }
    for (const ref of refs) bytes.writeUint(place.get(key(ref))!, indexBytes * 8);
    return bytes.buffer();
}
