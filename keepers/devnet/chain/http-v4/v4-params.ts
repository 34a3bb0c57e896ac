import { Cell, parseTuple, type TupleItem } from '@ton/core';
import { z } from 'zod';
import { ChainError } from '../errors';
import { addressParam, hashParam, seqnoParam } from '../http/read-param';

/** Parts of the paths of TonClient4's API. */
export const atBlock = z.object({ seqno: seqnoParam });
export const atUtime = z.object({ utime: seqnoParam });
export const accountAt = z.object({ seqno: seqnoParam, address: addressParam });

const ltPart = z
    .string()
    .regex(/^\d{1,20}$/)
    .transform(BigInt);

export const changedSince = accountAt.extend({ lt: ltPart });

/** Hashes come in the URL's alphabet of base64. */
export const transactionsFrom = z.object({
    address: addressParam,
    lt: ltPart,
    hash: z
        .string()
        .transform((text) => text.replaceAll('-', '+').replaceAll('_', '/'))
        .pipe(hashParam),
});

export const configAt = z.object({
    seqno: seqnoParam,
    ids: z
        .string()
        .regex(/^-?\d{1,10}(,-?\d{1,10})*$/)
        .optional(),
});

export const methodAt = accountAt.extend({
    method: z.string().min(1).max(256),
    args: z
        .string()
        .regex(/^[A-Za-z0-9+/_-]*={0,2}$/)
        .optional()
        .transform(readTuple),
});

export const sendBody = z.object({
    boc: z
        .string()
        .regex(/^[A-Za-z0-9+/_-]*={0,2}$/)
        .transform((text) => Buffer.from(text, 'base64')),
});

/** A stack is a tuple, serialised (VmTuple of TL-B). */
function readTuple(text: string | undefined): TupleItem[] {
    if (text === undefined) return [];
    try {
        return parseTuple(Cell.fromBoc(Buffer.from(text, 'base64'))[0]!);
    } catch (error) {
        throw new ChainError('malformed_request', 'args: not a serialised tuple', error);
    }
}
