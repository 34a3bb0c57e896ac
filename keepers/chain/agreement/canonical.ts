import { Address, Cell } from '@ton/core';

/**
 * Text that two values share exactly when they say the same: for comparing what endpoints answered. Maps and sets compare
 * by content, objects by their defined fields.
 * @throws where a value can't be compared, such as one with functions
 */
export function canonical(value: unknown): string {
    if (value === null || value === undefined) return 'null';
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
    if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
    if (typeof value === 'object') return canonicalObject(value);
    throw new Error(`a ${typeof value} can't be compared`);
}

function canonicalObject(value: object): string {
    if (Buffer.isBuffer(value) || value instanceof Uint8Array) return `b:${Buffer.from(value).toString('hex')}`;
    if (Address.isAddress(value)) return `a:${value.toRawString()}`;
    if (value instanceof Cell) return `c:${value.hash().toString('hex')}`;
    if (value instanceof Date) return `d:${value.getTime()}`;
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
    if (value instanceof Map) {
        const entries = [...(value as Map<unknown, unknown>)].map(
            ([key, item]) => `${canonical(key)}=>${canonical(item)}`,
        );
        return `m:{${entries.sort().join(',')}}`;
    }
    if (value instanceof Set) return `s:{${[...(value as Set<unknown>)].map(canonical).sort().join(',')}}`;
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return `{${fields
        .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
        .sort()
        .join(',')}}`;
}
