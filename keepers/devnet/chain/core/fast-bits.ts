/**
 * The library reads and writes bits one at a time, and numbers by way of bigints: a tenth of what emulating a chain costs.
 * These do the same by bytes where the result is sure to be the same, and leave the rest, every refusal among it, to the
 * library. What stood there before is kept beside what replaces it.
 */
import { BitBuilder, BitReader, BitString } from '@ton/core';

/** Private fields of the library's classes that these work on. */
interface Bits {
    _data: Buffer;
    _offset: number;
    length: number;
}
interface Reader {
    _bits: Bits;
    _offset: number;
}
interface Builder {
    _buffer: Buffer;
    _length: number;
}

/** Of so many bits that a number holds them, together with those beside them in their bytes. */
const maxNumberBits = 40;

/** @returns undefined where the library must say what is wrong, or the number would not be exact */
function numberAt({ _bits: source }: Reader, bits: number, offset: number): number | undefined {
    const isInside = bits > 0 && bits <= maxNumberBits && offset >= 0 && offset + bits <= source.length;
    if (!isInside || !Number.isInteger(bits)) return undefined;
    const begin = source._offset + offset;
    const end = begin + bits;
    let value = 0;
    for (let byte = begin >> 3; byte << 3 < end; byte += 1) value = value * 256 + source._data[byte]!;
    const over = (8 - (end & 7)) & 7;
    return Math.floor(value / 2 ** over) % 2 ** bits;
}

const read = BitReader.prototype as unknown as {
    loadUint(this: Reader, bits: number): number;
    preloadUint(this: Reader, bits: number): number;
    _preloadUint(this: Reader, bits: number, offset: number): bigint;
    _preloadBuffer(this: Reader, bytes: number, offset: number): Buffer;
};
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the reader they are for
const { loadUint, preloadUint, _preloadUint, _preloadBuffer } = read;

const fastReads: typeof read = {
    loadUint(bits) {
        const value = numberAt(this, bits, this._offset);
        if (value === undefined) return loadUint.call(this, bits);
        this._offset += bits;
        return value;
    },
    preloadUint(bits) {
        return numberAt(this, bits, this._offset) ?? preloadUint.call(this, bits);
    },
    _preloadUint(bits, offset) {
        const value = numberAt(this, bits, offset);
        if (value !== undefined) return BigInt(value);
        const source = this._bits;
        const isInside = bits > 0 && offset >= 0 && offset + bits <= source.length && Buffer.isBuffer(source._data);
        if (!isInside || !Number.isInteger(bits)) return _preloadUint.call(this, bits, offset);
        const begin = source._offset + offset;
        const end = begin + bits;
        const bytes = BigInt(`0x${source._data.toString('hex', begin >> 3, (end + 7) >> 3)}`);
        return BigInt.asUintN(bits, bytes >> BigInt((8 - (end & 7)) & 7));
    },
    _preloadBuffer(bytes, offset) {
        const { _data: data, _offset: start, length } = this._bits;
        const lead = (start + offset) & 7;
        const isInside = bytes > 0 && offset >= 0 && offset + bytes * 8 <= length;
        // Whole bytes the library takes as they lie.
        if (lead === 0 || !isInside || !Number.isInteger(bytes)) return _preloadBuffer.call(this, bytes, offset);
        const buffer = Buffer.allocUnsafe(bytes);
        for (let done = 0, byte = (start + offset) >> 3; done < bytes; done += 1, byte += 1)
            buffer[done] = ((data[byte]! << 8) | data[byte + 1]!) >> (8 - lead);
        return buffer;
    },
};

/** Up to eight bits, into bytes that hold zeros from here on. */
function put(to: Builder, value: number, bits: number): void {
    const free = 8 - (to._length & 7);
    const byte = to._length >> 3;
    if (bits <= free) to._buffer[byte]! |= value << (free - bits);
    else {
        to._buffer[byte]! |= value >> (bits - free);
        to._buffer[byte + 1] = (value << (8 - (bits - free))) & 0xff;
    }
    to._length += bits;
}

/** The bytes of a number that is that many whole ones, of a hash or a key; undefined for any other. */
function bytesOf(value: bigint | number, bits: number): Buffer | undefined {
    if (typeof value !== 'bigint' || value < 0n || bits <= maxNumberBits || bits % 8 !== 0) return undefined;
    const hex = value.toString(16).padStart(bits / 4, '0');
    return hex.length === bits / 4 ? Buffer.from(hex, 'hex') : undefined;
}

const write = BitBuilder.prototype as unknown as {
    writeUint(this: Builder, value: bigint | number, bits: number): void;
    writeBits(this: Builder, source: Bits): void;
};
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the builder they are for
const { writeUint, writeBits } = write;

const fastWrites: typeof write = {
    writeUint(value, bits) {
        const isInside = this._length + bits <= this._buffer.length * 8;
        const bytes = isInside ? bytesOf(value, bits) : undefined;
        if (bytes !== undefined) {
            for (const byte of bytes) put(this, byte, 8);
            return;
        }
        const number = typeof value === 'bigint' && bits <= maxNumberBits ? Number(value) : value;
        const isPlain = typeof number === 'number' && Number.isSafeInteger(number) && number >= 0;
        const hasRoom = bits > 0 && bits <= maxNumberBits && isInside;
        if (!isPlain || !hasRoom || !Number.isInteger(bits) || number >= 2 ** bits)
            return writeUint.call(this, value, bits);
        for (let left = bits; left > 0; left -= 8) {
            const count = Math.min(left, 8);
            put(this, Math.floor(number / 2 ** (left - count)) % 2 ** count, count);
        }
    },
    writeBits(source) {
        const isBits: boolean = BitString.isBitString(source);
        if (!isBits || this._length + source.length > this._buffer.length * 8) return writeBits.call(this, source);
        const { _data: data, _offset: offset, length } = source;
        const lead = offset & 7;
        for (let done = 0; done < length; done += 8) {
            const byte = (offset + done) >> 3;
            const count = Math.min(length - done, 8);
            const pair = (data[byte]! << 8) | (data[byte + 1] ?? 0);
            put(this, (pair >> (16 - lead - count)) & ((1 << count) - 1), count);
        }
    },
};

for (const [target, fast] of [
    [read, fastReads],
    [write, fastWrites],
] as const)
    for (const [name, replacement] of Object.entries(fast)) {
        const original: unknown = Reflect.get(target, name);
        Reflect.set(target, name, Object.assign(replacement, { original }));
    }
