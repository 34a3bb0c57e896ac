import { StatementError } from './errors';

/** Checked fixed-width big-endian fields, the only ones that signed statements are made of. */

const maxUint32 = 0xffffffff;
const maxUint96 = (1n << 96n) - 1n;

/** @throws StatementError when `value` is not exactly 32 bytes */
export function bytes32(name: string, value: Buffer): Buffer {
    return fixedBytes(name, value, 32);
}

/** @throws StatementError when `value` is not exactly `length` bytes */
export function fixedBytes(name: string, value: Buffer, length: number): Buffer {
    if (!Buffer.isBuffer(value)) throw new StatementError('statement_field_invalid', `${name} is not a Buffer`);
    if (value.length === length) return value;
    throw new StatementError('statement_wrong_length', `${name} has ${value.length} bytes instead of ${length}`);
}

/** @throws StatementError when `value` is not an integer of 32 bits */
export function writeUint32(name: string, value: number, into: Buffer, offset: number): void {
    if (!Number.isInteger(value) || value < 0 || value > maxUint32) {
        throw new StatementError('statement_out_of_range', `${name} ${value} is not an unsigned 32-bit integer`);
    }
    into.writeUInt32BE(value, offset);
}

/** @throws StatementError when `value` is not an amount of 96 bits */
export function writeUint96(name: string, value: bigint, into: Buffer, offset: number): void {
    checkUint96(name, value);
    into.writeUInt32BE(Number(value >> 64n), offset);
    into.writeBigUInt64BE(value & 0xffffffffffffffffn, offset + 4);
}

/** @throws StatementError when `value` is not an amount of 96 bits */
export function checkUint96(name: string, value: bigint): bigint {
    if (typeof value === 'bigint' && value >= 0n && value <= maxUint96) return value;
    throw new StatementError('statement_out_of_range', `${name} ${value} is not an unsigned 96-bit amount`);
}

export function readUint96(from: Buffer, offset: number): bigint {
    return (BigInt(from.readUInt32BE(offset)) << 64n) | from.readBigUInt64BE(offset + 4);
}
