import { z } from 'zod';
import { amount, hash, lt, optionalCell, seqno, unixTime } from '../endpoints/parse-answer';

/** The parts that are used of what toncenter's API (v2) answers. */

export const blockId = z.object({ seqno, root_hash: hash });
export const masterchainInfo = z.object({ last: blockId });

export const addressInformation = z.object({
    balance: amount,
    state: z.enum(['active', 'uninitialized', 'frozen']),
    code: optionalCell,
    data: optionalCell,
    last_transaction_id: z.object({ lt, hash }),
    block_id: z.object({ seqno }),
    sync_utime: unixTime,
});

export const runResult = z.object({
    exit_code: z.int(),
    stack: z.array(z.tuple([z.string(), z.unknown()])).max(1_024),
    block_id: z.object({ seqno }).optional(),
});

export const transactionList = z
    .array(z.object({ data: z.string(), transaction_id: z.object({ lt, hash }) }))
    .max(1_024);

export const configInfo = z.object({ config: z.object({ bytes: z.string() }) });
