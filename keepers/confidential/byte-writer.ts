import { misuse } from './errors';

/** Collects the parts of a structure of ours; a value that does not fit is our mistake (`input_invalid`). */
export class ByteWriter {
    private readonly parts: Buffer[] = [];

    tag(tag: string): this {
        return this.raw(Buffer.from(tag, 'latin1'));
    }

    raw(bytes: Buffer): this {
        this.parts.push(bytes);
        return this;
    }

    fixed(name: string, bytes: Buffer, length: number): this {
        return this.raw(exactly(name, bytes, length));
    }

    u8(name: string, value: number): this {
        const part = Buffer.allocUnsafe(1);
        part.writeUInt8(unsigned(name, value, 0xff));
        return this.raw(part);
    }

    u16(name: string, value: number): this {
        const part = Buffer.allocUnsafe(2);
        part.writeUInt16BE(unsigned(name, value, 0xffff));
        return this.raw(part);
    }

    u32(name: string, value: number): this {
        const part = Buffer.allocUnsafe(4);
        part.writeUInt32BE(unsigned(name, value, 0xffffffff));
        return this.raw(part);
    }

    u64(name: string, value: bigint): this {
        const part = Buffer.allocUnsafe(8);
        part.writeBigUInt64BE(unsignedBig(name, value, 64n));
        return this.raw(part);
    }

    u64Safe(name: string, value: number): this {
        return this.u64(name, BigInt(unsigned(name, value, Number.MAX_SAFE_INTEGER)));
    }

    u96(name: string, value: bigint): this {
        const part = Buffer.allocUnsafe(12);
        unsignedBig(name, value, 96n);
        part.writeUInt32BE(Number(value >> 64n), 0);
        part.writeBigUInt64BE(value & 0xffffffffffffffffn, 4);
        return this.raw(part);
    }

    b8(name: string, bytes: Buffer): this {
        return this.u8(`length of ${name}`, bytes.length).raw(bytes);
    }

    b16(name: string, bytes: Buffer): this {
        return this.u16(`length of ${name}`, bytes.length).raw(bytes);
    }

    b32(name: string, bytes: Buffer): this {
        return this.u32(`length of ${name}`, bytes.length).raw(bytes);
    }

    str8(name: string, text: string): this {
        return this.b8(name, utf8(name, text));
    }

    str16(name: string, text: string): this {
        return this.b16(name, utf8(name, text));
    }

    finish(): Buffer {
        return Buffer.concat(this.parts);
    }
}

/** The bytes themselves when they have the length they should. */
export function exactly(name: string, bytes: Buffer, length: number): Buffer {
    if (!Buffer.isBuffer(bytes) || bytes.length !== length) throw misuse(`${name} must be ${length} bytes`);
    return bytes;
}

function unsigned(name: string, value: number, max: number): number {
    if (!Number.isSafeInteger(value) || value < 0 || value > max) throw misuse(`${name} must be within 0..${max}`);
    return value;
}

function unsignedBig(name: string, value: bigint, bits: bigint): bigint {
    if (typeof value !== 'bigint' || value < 0n || value >> bits !== 0n) {
        throw misuse(`${name} must be an unsigned integer of ${bits.toString()} bits`);
    }
    return value;
}

/** A lone surrogate would become U+FFFD without a word, and then text and bytes would disagree. */
function utf8(name: string, text: string): Buffer {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.toString('utf8') !== text) throw misuse(`${name} is not well-formed Unicode`);
    return bytes;
}
