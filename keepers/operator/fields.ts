import { Address } from '@ton/core';
import { z } from 'zod';

/** An address, or its text in any form. */
export const address = z
    .union([z.instanceof(Address), z.string()], 'must be a TON address')
    .transform((value, issues) => {
        if (value instanceof Address) return value;
        try {
            return Address.parse(value);
        } catch {
            issues.addIssue({ code: 'custom', message: 'must be a TON address such as EQC… or 0:…' });
            return z.NEVER;
        }
    });

const nanoText = 'must be whole nanoTON: a bigint, or a string of digits in a file';

/** NanoTON: a bigint, or a string of digits as JSON files have it. */
export const nano = z
    .union([z.bigint(), z.string().regex(/^\d{1,20}$/, nanoText)], nanoText)
    .transform((value) => BigInt(value))
    .refine((value) => value >= 0n, 'must not be negative');

export const positiveNano = nano.refine((value) => value > 0n, 'must be more than nothing');

/** Bytes, or their hex. */
export function bytes(length: number) {
    const message = `must be ${length} bytes in hex`;
    return z
        .union([z.instanceof(Buffer), z.string().regex(/^([0-9a-fA-F]{2})+$/, message)], message)
        .transform((value) => (typeof value === 'string' ? Buffer.from(value, 'hex') : value))
        .refine((value) => value.length === length, message);
}

/** An unsigned number of 32 bits. Command lines and prompts give digits. */
export const uint32 = z
    .union([z.number(), z.string().regex(/^\d{1,10}$/, 'must be a whole number')], 'must be a whole number')
    .transform(Number)
    .pipe(z.int('must be a whole number').min(0).max(0xffff_ffff));

/** Hundredths of a percent. */
export const bps = uint32.pipe(z.int().max(10_000, 'must be at most 10000, which is everything'));

export const networkKind = z.enum(['production', 'development']);

export const entryName = z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text, 'utf8') <= 127, 'must be at most 127 bytes of UTF-8');
