import type { ReceiptTail } from '../../wrappers';
import type { GatewayJoinedRow, GatewayRequestState } from './gateway-statements';
import { toBuffer } from './records';

/** Exact token counts of one answer as the node sealed them; `salt` opens the usage hash. */
export interface Usage {
    salt: Buffer;
    promptTokens: number;
    cachedPromptTokens: number;
    completionTokens: number;
    reasoningTokens: number;
    modelIndex: number;
}

/** A receipt with all that is needed to check it again offline. */
export interface GatewayReceipt {
    receipt: ReceiptTail;
    signature: Buffer;
    /** What the receipt commits to instead of the usage itself. */
    usageHash: Buffer;
    transcriptHash: Buffer;
    /** Null of a checkpoint, and when the stream broke before the sealed usage came: the receipt was fetched afterwards. */
    usage: Usage | null;
}

export interface GatewayRequest {
    /** Position in the ledger, for paging. */
    id: bigint;
    requestId: Buffer;
    escrow: Buffer;
    epoch: number;
    nodeKey: Buffer;
    sessionKey: Buffer;
    model: string;
    /** What is set aside: the whole worst case, or as many windows of it as were asked for. */
    worstCaseNano: bigint;
    capCumulativeNano: bigint;
    /** Null until the request was sent. */
    requestHash: Buffer | null;
    offerHash: Buffer | null;
    capSignature: Buffer | null;
    /** The allowance that the cap names, once it was raised. */
    windowNano: bigint | null;
    /** Name of the API key that asked. */
    keyName: string | null;
    /** The node's signed offer that the request accepted. */
    signedOffer: Buffer | null;
    state: GatewayRequestState;
    failureCode: string | null;
    reservedAtMs: number;
    sentAtMs: number | null;
    closedAtMs: number | null;
    final: GatewayReceipt | null;
    /** Of a lost request: the last receipt that its node signed on the way. */
    checkpoint: GatewayReceipt | null;
}

export function gatewayRequest(row: GatewayJoinedRow): GatewayRequest {
    return {
        id: row.id,
        requestId: toBuffer(row.request_id),
        escrow: toBuffer(row.escrow),
        epoch: Number(row.epoch),
        nodeKey: toBuffer(row.node_key),
        sessionKey: toBuffer(row.session_key),
        model: row.model,
        worstCaseNano: row.worst_case_nano,
        capCumulativeNano: row.cap_nano,
        requestHash: row.request_hash && toBuffer(row.request_hash),
        offerHash: row.offer_hash && toBuffer(row.offer_hash),
        capSignature: row.cap_signature && toBuffer(row.cap_signature),
        windowNano: row.window_nano,
        keyName: row.key_name,
        signedOffer: row.signed_offer && toBuffer(row.signed_offer),
        state: row.state,
        failureCode: row.failure_code,
        reservedAtMs: Number(row.reserved_at_ms),
        sentAtMs: row.sent_at_ms === null ? null : Number(row.sent_at_ms),
        closedAtMs: row.closed_at_ms === null ? null : Number(row.closed_at_ms),
        final: row.state === 'final' ? receiptOf(row) : null,
        checkpoint: row.state === 'lost' && row.sequence !== null ? receiptOf(row) : null,
    };
}

function receiptOf(row: GatewayJoinedRow): GatewayReceipt {
    return {
        receipt: {
            nodeKey: toBuffer(row.node_key),
            sessionKey: toBuffer(row.session_key),
            sequence: Number(row.sequence),
            costNano: row.cost_nano!,
            cumulativeNano: row.cumulative_nano!,
            reference: toBuffer(row.reference!),
        },
        signature: toBuffer(row.signature!),
        usageHash: toBuffer(row.usage_hash!),
        transcriptHash: toBuffer(row.transcript_hash!),
        usage:
            row.usage_salt === null
                ? null
                : {
                      salt: toBuffer(row.usage_salt),
                      promptTokens: Number(row.prompt_tokens),
                      cachedPromptTokens: Number(row.cached_prompt_tokens),
                      completionTokens: Number(row.completion_tokens),
                      reasoningTokens: Number(row.reasoning_tokens),
                      modelIndex: Number(row.model_index),
                  },
    };
}
