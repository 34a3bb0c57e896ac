import { bytes32 } from './statement-fields';

/**
 * Keys, hashes and ids are 32-byte buffers outside the contracts and 256-bit integers inside.
 * @throws StatementError when `value` is not exactly 32 bytes
 */
export function uint256(name: string, value: Buffer): bigint {
    return BigInt('0x' + bytes32(name, value).toString('hex'));
}

export function uint256ToBytes(value: bigint): Buffer {
    return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
}
