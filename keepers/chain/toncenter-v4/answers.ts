import { z } from 'zod';
import { amount, hash, lt, optionalCell, seqno, unixTime } from '../endpoints/parse-answer';

/** The parts that are used of what TonClient4's API answers. */

const block = z.object({ workchain: z.int(), seqno, rootHash: hash });

export const latestBlock = z.object({ last: z.object({ seqno, rootHash: hash }), now: unixTime });

export const blockAnswer = z.discriminatedUnion('exist', [
    z.object({ exist: z.literal(false) }),
    z.object({ exist: z.literal(true), block: z.object({ shards: z.array(block).max(1_024) }) }),
]);

const state = z.discriminatedUnion('type', [
    z.object({ type: z.literal('uninit') }),
    z.object({ type: z.literal('active'), code: optionalCell, data: optionalCell }),
    z.object({ type: z.literal('frozen') }),
]);

export const accountAnswer = z.object({
    account: z.object({
        state,
        balance: z.object({ coins: amount }),
        last: z.object({ lt, hash }).nullable(),
    }),
    block: z.object({ seqno }),
});

export const liteAnswer = z.object({ account: z.object({ last: z.object({ lt, hash }).nullable() }) });

export const methodAnswer = z.object({
    exitCode: z.int(),
    resultRaw: z.string().nullable(),
    block: z.object({ seqno }),
});

export const transactionsAnswer = z.object({ boc: z.string() });
export const configAnswer = z.object({ config: z.object({ cell: z.string() }) });
export const sendAnswer = z.object({ status: z.int() });
