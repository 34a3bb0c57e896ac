import type { CustomTypesConfig } from 'pg';

const bytea = 17;
const integers = new Set([20, 21, 23, 1700]);

/** Integers as bigint, sums of them too; bytes as Buffer; the rest as text. */
export const columnTypes: CustomTypesConfig = {
    getTypeParser(id: number, format?: 'text' | 'binary') {
        if (format === 'binary') throw new Error('columns are read as text');
        if (integers.has(id)) return (text: string) => BigInt(text);
        if (id === bytea) return (text: string) => Buffer.from(text.slice(2), 'hex');
        return (text: string) => text;
    },
};
