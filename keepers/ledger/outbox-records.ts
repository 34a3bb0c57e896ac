import type { OpenSend, SendFate } from '../base';
import { toBuffer } from './records';

/**
 * - `pending`: to be signed; - `sent`: carried by a signed request that may be, or was, executed;
 * - `confirmed`, `abandoned`: closed, by what the chain showed
 */
export type OutboxState = 'pending' | 'sent' | 'confirmed' | 'abandoned';

export interface NewIntent {
    kind: string;
    /** What it is about: at most one open intent of a kind. */
    key: string;
    /** Raw address of the wallet that shall send it: several keepers may share an outbox. */
    owner: string;
    /** JSON of what it wants the chain to show. */
    payload: string;
    /** Most that it may cost, nanoTON. */
    maxFeeNano?: bigint;
    /** Chain time after which it is of no use. */
    notAfterSec?: number;
    atMs: number;
}

export interface OutboxEntry {
    id: bigint;
    kind: string;
    key: string;
    owner: string;
    payload: string;
    state: OutboxState;
    attempts: number;
    /** What became of the request that carries it, null while none does. */
    sendFate: SendFate | 'open' | null;
    transactionHash: string | null;
    errorCode: string | null;
    maxFeeNano: bigint | null;
    notAfterSec: number | null;
    createdAtMs: number;
    updatedAtMs: number;
}

export interface IntentClosure {
    state: 'confirmed' | 'abandoned';
    transactionHash?: string | null;
    errorCode?: string | null;
    atMs: number;
}

export interface OutboxRow {
    id: bigint;
    kind: string;
    intent_key: string;
    owner: string;
    payload: string;
    state: OutboxState;
    attempts: bigint;
    send_id: bigint | null;
    fate: SendFate | 'open' | null;
    transaction_hash: string | null;
    error_code: string | null;
    max_fee_nano: bigint | null;
    not_after_sec: bigint | null;
    created_at_ms: bigint;
    updated_at_ms: bigint;
}

export interface SendRow {
    id: bigint;
    wallet: string;
    slot: bigint;
    valid_until_sec: bigint;
    signed_at_sec: bigint;
    since_lt: bigint;
    body_hash: Uint8Array;
    boc: Uint8Array;
}

export function outboxEntry(row: OutboxRow): OutboxEntry {
    return {
        id: row.id,
        kind: row.kind,
        key: row.intent_key,
        owner: row.owner,
        payload: row.payload,
        state: row.state,
        attempts: Number(row.attempts),
        sendFate: row.fate,
        transactionHash: row.transaction_hash,
        errorCode: row.error_code,
        maxFeeNano: row.max_fee_nano,
        notAfterSec: row.not_after_sec === null ? null : Number(row.not_after_sec),
        createdAtMs: Number(row.created_at_ms),
        updatedAtMs: Number(row.updated_at_ms),
    };
}

export function openSend(row: SendRow): OpenSend {
    return {
        id: row.id,
        wallet: row.wallet,
        slot: row.slot,
        validUntilSec: Number(row.valid_until_sec),
        signedAtSec: Number(row.signed_at_sec),
        sinceLt: row.since_lt,
        bodyHash: toBuffer(row.body_hash),
        boc: toBuffer(row.boc),
    };
}
