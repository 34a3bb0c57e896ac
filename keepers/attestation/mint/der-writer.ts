/** Writes DER: just what Intel's certificates and revocation lists are made of. */
export function der(tag: number, ...contents: Buffer[]): Buffer {
    const content = Buffer.concat(contents);
    return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
    const bytes = numberBytes(length);
    return length < 0x80 ? bytes : Buffer.concat([Buffer.from([0x80 + bytes.length]), bytes]);
}

export const sequence = (...items: Buffer[]): Buffer => der(0x30, ...items);
export const set = (...items: Buffer[]): Buffer => der(0x31, ...items);
export const octetString = (content: Buffer): Buffer => der(0x04, content);
export const oidBytes = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
export const utf8String = (text: string): Buffer => der(0x0c, Buffer.from(text, 'utf8'));
export const printableString = (text: string): Buffer => der(0x13, Buffer.from(text, 'latin1'));
export const enumerated = (value: number): Buffer => der(0x0a, Buffer.from([value]));
export const explicit = (number: number, content: Buffer): Buffer => der(0xa0 + number, content);
export const derTrue = der(0x01, Buffer.from([0xff]));

/** A non-negative INTEGER, padded where its top bit would mean a sign. */
export function integer(value: Buffer | number): Buffer {
    const bytes = typeof value === 'number' ? numberBytes(value) : value;
    return der(0x02, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

function numberBytes(value: number): Buffer {
    const hex = value.toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

export function bitString(content: Buffer, unusedBits = 0): Buffer {
    return der(0x03, Buffer.from([unusedBits]), content);
}

/** UTCTime to the second; GeneralizedTime from 2050 on, as X.509 asks. */
export function time(date: Date): Buffer {
    const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
    const year = date.getUTCFullYear();
    return year < 2050 ? der(0x17, Buffer.from(`${digits.slice(2)}Z`)) : der(0x18, Buffer.from(`${digits}Z`));
}
