/**
 * For a process that emulates a chain. Half of what a message costs there is cells on their way in and out of the emulator:
 * hashed in plain JavaScript, and serialized again bit by bit, code and data of every account that is asked. Node's own
 * SHA-256 gives the same digests; cells never change, so the bytes of one are kept by its hash; and whole bytes are copied as
 * bytes. The library's functions are replaced, as it has no other place for this; what they give is the same.
 */
import { createHash } from 'node:crypto';
import { Cell } from '@ton/core';
import './fast-bags';
import './fast-bits';
import './fast-hashes';
/* eslint-disable @typescript-eslint/no-require-imports -- what `import *` gives is a copy under some compilers: replacing in it replaces nothing */
import paddedBits = require('@ton/core/dist/boc/utils/paddedBits');
import primitives = require('@ton/crypto/dist/primitives/sha256');
/* eslint-enable @typescript-eslint/no-require-imports */

type PaddedBits = typeof paddedBits.bitsToPaddedBuffer;
type ToBoc = Cell['toBoc'];

const bitByBit = paddedBits.bitsToPaddedBuffer;
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the cell it is for
const serialize = Cell.prototype.toBoc;
const kept = new Map<string, Buffer>();
const maxKept = 500;

/** A one and zeros fill up the last byte. */
const bitsToPaddedBuffer: PaddedBits = (bits) => {
    const {
        _data: data,
        _offset: offset,
        length,
    } = bits as unknown as { _data: Buffer; _offset: number; length: number };
    if (offset % 8 !== 0) return bitByBit(bits);
    const begin = offset / 8;
    const bytes = Buffer.from(data.subarray(begin, begin + Math.ceil(length / 8)));
    const over = length % 8;
    if (over !== 0) {
        const last = bytes.length - 1;
        bytes[last] = (bytes[last]! & (0xff << (8 - over))) | (0x80 >> over);
    }
    return bytes;
};

/** Of ordinary cells, which their hash says everything about, in the form that everybody asks for. */
function toBoc(this: Cell, options?: Parameters<ToBoc>[0]): Buffer {
    if (options !== undefined || this.isExotic || this.level() !== 0) return serialize.call(this, options);
    const id = this.hash().toString('latin1');
    let bytes = kept.get(id);
    if (bytes === undefined) {
        bytes = serialize.call(this);
        kept.set(id, bytes);
        if (kept.size > maxKept) kept.delete(kept.keys().next().value!);
    }
    return Buffer.from(bytes);
}

/** What stood there before is kept beside it. */
Object.assign(paddedBits, { bitsToPaddedBuffer: Object.assign(bitsToPaddedBuffer, { original: bitByBit }) });
Object.assign(Cell.prototype, { toBoc: Object.assign(toBoc, { original: serialize }) });
Object.assign(primitives, { sha256_sync: (source: Buffer | string) => createHash('sha256').update(source).digest() });
