'use strict';
/** Puts the number of the mutant in force into contracts that are made from now on: `cocoonMutant`, none below zero. */
const { beginCell, Cell } = require('@ton/core');

/** As PUSHINT has a number of 31 bits. */
const markerBits = (0x4d555441).toString(2).padStart(35, '0');

const fromHex = Cell.fromHex;
const made = new Map();

Cell.fromHex = (hex) => {
    const mutant = globalThis.cocoonMutant ?? -1;
    if (mutant < 0) return fromHex(hex);
    const key = `${mutant} ${hex}`;
    if (!made.has(key)) made.set(key, withMutant(fromHex(hex), mutant.toString(2).padStart(35, '0'), new Map()));
    return made.get(key);
};

function withMutant(cell, bits, known) {
    const hash = cell.hash().toString('hex');
    if (!known.has(hash)) known.set(hash, rebuilt(cell, bits, known));
    return known.get(hash);
}

function rebuilt(cell, bits, known) {
    const text = Array.from({ length: cell.bits.length }, (_, at) => (cell.bits.at(at) ? '1' : '0')).join('');
    const builder = beginCell();
    for (const bit of text.replaceAll(markerBits, bits)) builder.storeBit(bit === '1');
    for (const ref of cell.refs) builder.storeRef(withMutant(ref, bits, known));
    return builder.endCell();
}
