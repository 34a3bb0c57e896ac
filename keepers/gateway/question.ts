import type { IdempotencyMark } from '../ledger';
import type { ObservedRequest } from '../telemetry';
import type { ApiKey } from './api-key-file';

export interface Question {
    path: string;
    body: Buffer;
    accept: string;
    timeoutMs?: number;
    nodeId?: string;
    maxOutputPriceNano?: bigint;
    idempotency?: IdempotencyMark;
    signal: AbortSignal;
    /** Whose question it is, where the gateway has keys. */
    key?: ApiKey;
}

/** A question on its way: its deadline holds for all attempts together. */
export type Attempt = Question & { deadlineMs: number; observed: ObservedRequest | undefined };
