/** Just enough DER to write certificates, well-formed and otherwise. */
export function element(tag: number, ...contents: Buffer[]): Buffer {
    const content = Buffer.concat(contents);
    return Buffer.concat([Buffer.from([tag]), derLength(content.length), content]);
}

function derLength(length: number): Buffer {
    if (length < 0x80) return Buffer.from([length]);
    if (length < 0x100) return Buffer.from([0x81, length]);
    return Buffer.from([0x82, length >> 8, length & 0xff]);
}

export const sequence = (...contents: Buffer[]): Buffer => element(0x30, ...contents);
export const octets = (...contents: Buffer[]): Buffer => element(0x04, ...contents);
export const bitString = (...contents: Buffer[]): Buffer => element(0x03, Buffer.from([0]), ...contents);
export const boolean = (): Buffer => Buffer.from('0101ff', 'hex');

export function oid(hexContent: string): Buffer {
    return element(0x06, Buffer.from(hexContent, 'hex'));
}

/** A non-negative INTEGER from big-endian bytes. */
export function integer(bytes: Buffer): Buffer {
    const start = bytes.findIndex((byte) => byte !== 0);
    const minimal = start < 0 ? Buffer.from([0]) : bytes.subarray(start);
    return element(0x02, minimal[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), minimal]) : minimal);
}

export function utcTime(unixSec: number): Buffer {
    const digits = new Date(unixSec * 1000).toISOString().replace(/[-:T]/g, '').slice(2, 14);
    return element(0x17, Buffer.from(`${digits}Z`, 'latin1'));
}

/** CN, O, L, ST, C in Intel's order and string types. */
export function intelName(commonName: string): Buffer {
    const attribute = (type: string, tag: number, value: string) =>
        element(0x31, sequence(oid(type), element(tag, Buffer.from(value, 'latin1'))));
    return sequence(
        attribute('550403', 0x0c, commonName),
        attribute('55040a', 0x0c, 'Intel Corporation'),
        attribute('550407', 0x0c, 'Santa Clara'),
        attribute('550408', 0x0c, 'CA'),
        attribute('550406', 0x13, 'US'),
    );
}
