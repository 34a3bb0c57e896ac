/** Columns of many rows as parameters, in PostgreSQL's binary array format: nothing is escaped or parsed. */
export function int8Array(values: readonly (bigint | number | null)[]): Buffer {
    const nulls = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
    const array = header({ type: 20, count: values.length, nulls, bytes: 8 * (values.length - nulls) });
    let at = headerBytes;
    for (const value of values) {
        at = array.writeInt32BE(value === null ? -1 : 8, at);
        if (typeof value === 'bigint') at = array.writeBigInt64BE(value, at);
        else if (value !== null) at = writeNumber(array, value, at);
    }
    return array;
}

export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
    return bytesArray(17, values);
}

export function textArray(values: readonly (string | null)[]): Buffer {
    return bytesArray(
        25,
        values.map((value) => (value === null ? null : Buffer.from(value, 'utf8'))),
    );
}

const headerBytes = 20;

/** number of dimensions | has nulls | element's type | length | first index, then each element with its length. */
function header(of: { type: number; count: number; nulls: number; bytes: number }): Buffer {
    const array = Buffer.allocUnsafe(headerBytes + 4 * of.count + of.bytes);
    array.writeInt32BE(1, 0);
    array.writeInt32BE(of.nulls > 0 ? 1 : 0, 4);
    array.writeInt32BE(of.type, 8);
    array.writeInt32BE(of.count, 12);
    array.writeInt32BE(1, 16);
    return array;
}

function bytesArray(type: number, values: readonly (Buffer | null)[]): Buffer {
    let [bytes, nulls] = [0, 0];
    for (const value of values) {
        if (value === null) nulls += 1;
        else bytes += value.length;
    }
    const array = header({ type, count: values.length, nulls, bytes });
    let at = headerBytes;
    for (const value of values) {
        at = array.writeInt32BE(value === null ? -1 : value.length, at);
        if (value !== null) at += value.copy(array, at);
    }
    return array;
}

/** A safe integer as 64 bits, without making a bigint of it. */
function writeNumber(array: Buffer, value: number, at: number): number {
    array.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
    return array.writeUInt32BE(value >>> 0, at + 4);
}
