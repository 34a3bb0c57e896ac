import { FormatError, requireFormat } from './format-error';

/** Tags that X.509 certificates and revocation lists use. */
export const derTag = {
    boolean: 0x01,
    integer: 0x02,
    bitString: 0x03,
    octetString: 0x04,
    oid: 0x06,
    enumerated: 0x0a,
    utf8String: 0x0c,
    printableString: 0x13,
    utcTime: 0x17,
    generalizedTime: 0x18,
    sequence: 0x30,
    set: 0x31,
    context0: 0xa0,
    context3: 0xa3,
} as const;

export interface DerElement {
    tag: number;
    /** Tag, length and content: what a signature covers. */
    raw: Buffer;
    content: Buffer;
}

/** Reads one level of DER. Only definite, minimal lengths and one-byte tags: anything else is not DER as Intel emits it. */
export class DerReader {
    private offset = 0;

    constructor(private readonly bytes: Buffer) {}

    get done(): boolean {
        return this.offset === this.bytes.length;
    }

    peekTag(): number | undefined {
        return this.bytes[this.offset];
    }

    read(expectedTag: number): DerElement {
        const element = this.readAny();
        requireFormat(element.tag === expectedTag, `DER tag ${element.tag} where ${expectedTag} is expected`);
        return element;
    }

    readAny(): DerElement {
        const start = this.offset;
        const tag = this.byte();
        requireFormat((tag & 0x1f) !== 0x1f, 'DER tag of more than one byte');
        const length = this.length();
        const contentStart = this.offset;
        requireFormat(length <= this.bytes.length - contentStart, 'DER length runs past the end');
        this.offset = contentStart + length;
        return {
            tag,
            raw: this.bytes.subarray(start, this.offset),
            content: this.bytes.subarray(contentStart, this.offset),
        };
    }

    /** Refuses bytes that nothing has read. */
    end(): void {
        requireFormat(this.done, 'bytes after the end of a DER structure');
    }

    private byte(): number {
        const value = this.bytes[this.offset++];
        if (value === undefined) {
            throw new FormatError('DER ends too early');
        }
        return value;
    }

    private length(): number {
        const first = this.byte();
        if (first < 0x80) {
            return first;
        }
        const count = first & 0x7f;
        requireFormat(count >= 1 && count <= 3, 'DER length of unsupported size');
        let length = 0;
        for (let i = 0; i < count; i++) {
            length = length * 256 + this.byte();
        }
        requireFormat(length >= (count === 1 ? 0x80 : 2 ** (8 * (count - 1))), 'DER length not minimal');
        return length;
    }
}

/** A sequence that is the whole of `bytes`. */
export function readSequence(bytes: Buffer): DerReader {
    const outer = new DerReader(bytes);
    const sequence = outer.read(derTag.sequence);
    outer.end();
    return new DerReader(sequence.content);
}

/** A minimal, non-negative INTEGER as its bytes without sign padding. */
export function unsignedInteger(content: Buffer): Buffer {
    requireFormat(content.length > 0, 'empty INTEGER');
    const first = content[0]!;
    requireFormat(first < 0x80, 'negative INTEGER');
    if (first !== 0 || content.length === 1) {
        return content;
    }
    requireFormat(content[1]! >= 0x80, 'INTEGER not minimal');
    return content.subarray(1);
}

/** A small INTEGER (at most four bytes) as a number. */
export function smallInteger(content: Buffer): number {
    const bytes = unsignedInteger(content);
    requireFormat(bytes.length <= 4, 'INTEGER out of range');
    return bytes.readUIntBE(0, bytes.length);
}

/** The bytes of a BIT STRING that has no unused bits. */
export function wholeBits(content: Buffer): Buffer {
    requireFormat(content.length > 1 && content[0] === 0, 'BIT STRING with unused bits');
    return content.subarray(1);
}

/** UTCTime or GeneralizedTime in the only form DER allows (digits to the second, then Z), as milliseconds. */
export function readTime(element: DerElement): number {
    const { tag, content } = element;
    const isShort = tag === derTag.utcTime;
    requireFormat(isShort || tag === derTag.generalizedTime, 'not a DER time');
    const yearDigits = isShort ? 2 : 4;
    requireFormat(content.length === yearDigits + 11 && content[yearDigits + 10] === 0x5a, 'malformed DER time');
    const year = isShort ? fullYear(twoDigits(content, 0)) : twoDigits(content, 0) * 100 + twoDigits(content, 2);
    const [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map((at) => twoDigits(content, yearDigits + at)) as Five;
    requireFormat(
        year >= 1950 &&
            month >= 1 &&
            month <= 12 &&
            day >= 1 &&
            day <= daysIn(year, month) &&
            hour < 24 &&
            minute < 60 &&
            second < 60,
        'impossible DER time',
    );
    return Date.UTC(year, month - 1, day, hour, minute, second);
}

type Five = [number, number, number, number, number];

function twoDigits(content: Buffer, at: number): number {
    const [tens, ones] = [content[at]! - 0x30, content[at + 1]! - 0x30];
    requireFormat(tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9, 'malformed DER time');
    return tens * 10 + ones;
}

/** X.509: two digits below 50 are of this century. */
function fullYear(twoDigitYear: number): number {
    return twoDigitYear < 50 ? 2000 + twoDigitYear : 1900 + twoDigitYear;
}

function daysIn(year: number, month: number): number {
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    return month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}
