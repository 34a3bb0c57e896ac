import { Cell } from '@ton/core';
import { z } from 'zod';
import { errorMessage } from '../../base';
import { ChainError } from '../errors';

/** Pinned forms of answers: what does not fit is never guessed at. */

/** @throws ChainError `rpc_malformed` */
export function parseAnswer<Schema extends z.ZodType>(
    schema: Schema,
    answer: unknown,
    method: string,
): z.output<Schema> {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const where = parsed.error.issues.map(({ path }) => path.join('.') || '(top level)').slice(0, 5);
    throw new ChainError('rpc_malformed', `The endpoint answered ${method} in another form: ${where.join(', ')}`, {
        context: { method },
    });
}

/** Runs a decoder of TL-B or of cells: its errors mean another form too. */
export function decodeAnswer<T>(method: string, decode: () => T): T {
    try {
        return decode();
    } catch (error) {
        if (error instanceof ChainError) throw error;
        throw new ChainError(
            'rpc_malformed',
            `The endpoint answered ${method} in another form: ${errorMessage(error)}`,
            {
                context: { method },
                cause: error,
            },
        );
    }
}

export const hash = z
    .string()
    .max(64)
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((bytes) => bytes.length === 32);

export const lt = z
    .string()
    .regex(/^\d{1,20}$/)
    .transform(BigInt);

/** Amounts above 2^53 come as text; tonlib writes small ones as numbers. */
export const amount = z.union([
    z
        .string()
        .regex(/^-?\d{1,40}$/)
        // An account that owes rent has been seen with a negative balance: it has nothing.
        .transform((text) => (text.startsWith('-') ? 0n : BigInt(text))),
    z.int().transform((number) => BigInt(Math.max(0, number))),
]);

export const seqno = z.int().min(0).max(0xffff_ffff);
export const unixTime = z.int().min(0).max(0xffff_ffff);

/** base64 of one cell; null where empty. */
export const optionalCell = z
    .string()
    .nullable()
    .transform((text, context) => {
        if (text === null || text === '') return null;
        try {
            return Cell.fromBase64(text);
        } catch {
            context.addIssue({ code: 'custom', message: 'not a bag of cells' });
            return z.NEVER;
        }
    });
