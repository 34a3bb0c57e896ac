import { Address, Cell } from '@ton/core';
import { z } from 'zod';
import { wholeShard } from '../core/block-ids';
import { ChainError } from '../errors';

/** Forms in which parameters arrive: JSON values, or text when they come in a query string. */

export const addressParam = z.string().transform((text) => {
    try {
        return Address.parse(text);
    } catch (error) {
        throw new ChainError('incorrect_address', 'Incorrect address', error);
    }
});

const integerText = z
    .string()
    .regex(/^-?\d{1,20}$/)
    .transform(Number)
    .pipe(z.int());

export const intParam = z.union([z.int(), integerText]);
export const seqnoParam = intParam.pipe(z.int().min(0).max(0xffffffff));
export const workchainParam = intParam.pipe(z.union([z.literal(-1), z.literal(0)]));

/** Logical times exceed a JSON number: text, or a number when it is still exact. */
export const ltParam = z.union([z.int().min(0), z.string().regex(/^\d{1,20}$/)]).transform(BigInt);

export const booleanParam = z.union([z.boolean(), z.enum(['true', 'false', '1', '0'])]).transform((value) => {
    return value === true || value === 'true' || value === '1';
});

/** There is one shard; it has three spellings. */
export const shardParam = z
    .union([z.string(), z.number()])
    .transform(String)
    .refine((text) => [wholeShard, '9223372036854775808', '8000000000000000', '-9223372036854776000'].includes(text), {
        message: 'no such shard',
    });

const base64Text = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'not base64');

/** A hash in base64 or hex; hex out. */
export const hashParam = z.string().transform((text, context) => {
    const isHex = /^(0x)?[0-9a-fA-F]{64}$/.test(text);
    const bytes = isHex ? Buffer.from(text.slice(-64), 'hex') : Buffer.from(text, 'base64');
    if (bytes.length === 32) return bytes.toString('hex');
    context.addIssue({ code: 'custom', message: 'not a hash of 32 bytes in base64 or hex' });
    return z.NEVER;
});

export const bytesParam = base64Text.transform((text) => Buffer.from(text, 'base64'));

export const cellParam = base64Text.transform((text, context) => {
    try {
        return Cell.fromBase64(text);
    } catch {
        context.addIssue({ code: 'custom', message: 'not a bag of cells with one root' });
        return z.NEVER;
    }
});

/** toncenter's clients leave out a cell by sending an empty text. */
export const optionalCellParam = z.union([z.literal('').transform(() => undefined), cellParam]).optional();
