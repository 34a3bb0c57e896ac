'use strict';
/**
 * Half of what a test of a contract costs is cells on their way in and out of the emulator: each getter of the sandbox
 * serializes code and data again, bit by bit. Cells never change, so the bytes of one are kept by its hash; and whole bytes
 * are copied as bytes. The bytes are the same: fast-cells.spec.ts.
 */
const { Cell } = require('@ton/core');
const paddedBits = require('@ton/core/dist/boc/utils/paddedBits');

const bitByBit = paddedBits.bitsToPaddedBuffer;

/** A one and zeros fill up the last byte. */
function bitsToPaddedBuffer(bits) {
    const { _data: data, _offset: offset, length } = bits;
    if (offset % 8 !== 0) return bitByBit(bits);
    const begin = offset / 8;
    const bytes = Buffer.from(data.subarray(begin, begin + Math.ceil(length / 8)));
    const over = length % 8;
    if (over !== 0) {
        const last = bytes.length - 1;
        bytes[last] = (bytes[last] & (0xff << (8 - over))) | (0x80 >> over);
    }
    return bytes;
}
paddedBits.bitsToPaddedBuffer = Object.assign(bitsToPaddedBuffer, { original: bitByBit });

const serialize = Cell.prototype.toBoc;
const kept = new Map();
const maxKept = 500;

/** Of ordinary cells, which their hash says everything about, in the form that everybody asks for. */
function toBoc(options) {
    if (options !== undefined || this.isExotic || this.level() !== 0) return serialize.call(this, options);
    const id = this.hash().toString('latin1');
    let bytes = kept.get(id);
    if (bytes === undefined) {
        bytes = serialize.call(this);
        kept.set(id, bytes);
        if (kept.size > maxKept) kept.delete(kept.keys().next().value);
    }
    return Buffer.from(bytes);
}
Cell.prototype.toBoc = Object.assign(toBoc, { original: serialize });
