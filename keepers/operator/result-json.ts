import { Address } from '@ton/core';

/** One line of JSON: amounts as decimal strings of nanoTON, bytes as hex, addresses as text. */
export function resultJson(result: unknown): string {
    return JSON.stringify(plain(result));
}

function plain(value: unknown): unknown {
    if (typeof value === 'bigint') return value.toString();
    if (Buffer.isBuffer(value)) return value.toString('hex');
    if (value instanceof Address) return value.toString();
    if (value instanceof Map) return plain(Object.fromEntries(value));
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}
