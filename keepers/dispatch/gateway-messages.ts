import { z } from 'zod';
import { requestIdBytes } from './link-messages';

/** Operations on the socket between gateway and dispatcher (docs/protocol.md); `bundle` is that of node links. */
export const gatewayOperation = {
    request: 2,
    cancel: 3,
    raise: 4,
    resume: 5,
    frames: 17,
    bundle: 22,
    end: 32,
    fail: 33,
    raised: 34,
    notRaised: 35,
} as const;

/** A larger request is sent by HTTP, where it holds nobody up. */
export const maxLinkedEnvelopeBytes = 256 * 1024;
/** Of one message to the dispatcher, and of one to the gateway: bundles are smaller, longer frames are cut. */
export const maxGatewayMessageBytes = 1024 * 1024;
/** Pieces of an answer are at most this long. */
export const maxFramesBytes = 256 * 1024;
/** Requests of one link at the same time. */
export const maxStreamsPerLink = 4_096;

/** What a dispatcher says in place of an answer: the HTTP error with its status. */
export const failureSchema = z.object({
    status: z.int().min(400).max(599),
    code: z.string().max(64),
    message: z.string().max(2_000),
    nodeCode: z.string().max(64).optional(),
    retryAfterMs: z.number().optional(),
});
export type RelayFailure = z.output<typeof failureSchema>;

const operationBytes = new Map(Object.entries(gatewayOperation).map(([name, code]) => [name, Buffer.from([code])]));

/** A message about one request, in pieces for a LinkWriter. */
export function gatewayMessage(
    operation: keyof typeof gatewayOperation,
    requestId: Buffer,
    rest?: Buffer,
): readonly Buffer[] {
    if (requestId.length !== requestIdBytes) throw new RangeError('a request id has 16 bytes');
    const operationByte = operationBytes.get(operation)!;
    return rest === undefined ? [operationByte, requestId] : [operationByte, requestId, rest];
}

const positionBytes = 8;

/** Of `resume`: bytes of the answer that the gateway has u64 | Envelope. */
export function encodeResume(from: number, envelope: Buffer): Buffer {
    const position = Buffer.alloc(positionBytes);
    position.writeBigUInt64BE(BigInt(from));
    return Buffer.concat([position, envelope]);
}

export function decodeResume(rest: Buffer): { from: number; envelope: Buffer } | undefined {
    if (rest.length < positionBytes) return undefined;
    const from = rest.readBigUInt64BE();
    if (from > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    return { from: Number(from), envelope: rest.subarray(positionBytes) };
}
