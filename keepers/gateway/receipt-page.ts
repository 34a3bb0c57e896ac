import { z } from 'zod';
import { GatewayError } from './errors';

const pageSchema = z.strictObject({
    limit: z.coerce.number().int().min(1).max(1_000).default(100),
    before: z
        .string()
        .regex(/^\d{1,18}$/)
        .transform((digits) => BigInt(digits))
        .optional(),
});

export interface ReceiptPage {
    limit: number;
    /** Only requests older than this one's place in the ledger. */
    beforeId?: bigint;
}

/** @throws GatewayError `invalid_request` */
export function receiptPageOf(query: unknown): ReceiptPage {
    const parsed = pageSchema.safeParse(query);
    if (parsed.success) return { limit: parsed.data.limit, beforeId: parsed.data.before };
    throw new GatewayError('invalid_request', 'take limit from 1 to 1000, and before from the last page’s next');
}
