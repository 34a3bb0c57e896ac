import { receiptPayloadBytes } from './answer-receipt';
import { gcmTagBytes } from './envelope';
import { frameBucket } from './padding';
import { usageBytes } from './usage';

/** kind u8 | b32(payload) */
export const frameHeaderBytes = 5;
export const startPayloadBytes = 32;
/** a payload never is larger; no bucket reaches it, so the largest sealed one is half of it and its tag */
export const maxFramePayloadBytes = 1024 * 1024;
const maxFrameBucket = maxFramePayloadBytes / 2;
/** b32 length and data type in front of the data */
const dataOverheadBytes = 5;
/** the most body bytes in one frame */
export const maxFrameDataBytes = maxFrameBucket - dataOverheadBytes;
export const finalPayloadBytes = receiptPayloadBytes + frameBucket(usageBytes + 4) + gcmTagBytes;

export const frameKind = { start: 0, data: 1, checkpoint: 2, final: 3 } as const;
export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

export const dataType = { head: 0, body: 1, keepAlive: 2, error: 3, window: 4 } as const;

/** A whole frame as it came: `payload` is a view into `bytes`. */
export interface WireFrame {
    kind: FrameKind;
    bytes: Buffer;
    payload: Buffer;
}

/** Whether a header is one that a correct node sends: every length but that of data is fixed, and data is in buckets. */
export function isFrameHeader(kind: number, payloadBytes: number): kind is FrameKind {
    if (kind === frameKind.start) return payloadBytes === startPayloadBytes;
    if (kind === frameKind.checkpoint) return payloadBytes === receiptPayloadBytes;
    if (kind === frameKind.final) return payloadBytes === finalPayloadBytes;
    const bucket = payloadBytes - gcmTagBytes;
    return kind === frameKind.data && bucket >= 256 && bucket <= maxFrameBucket && frameBucket(bucket) === bucket;
}
