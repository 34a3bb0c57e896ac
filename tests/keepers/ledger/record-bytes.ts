import { createHash } from 'node:crypto';

/** Bytes that depend on the label alone. */
export function bytes(label: string, length = 32): Buffer {
    return createHash('shake256', { outputLength: length }).update(label).digest();
}
