import { z } from 'zod';
import { gpuDocumentSchema } from '../attestation';
import { isNestedDeeperThan } from './json-depth';

/** Operations on the socket between node and dispatcher; the first byte of every binary message (docs/protocol.md). */
export const linkOperation = {
    challenge: 1,
    request: 2,
    cancel: 3,
    raise: 4,
    resume: 5,
    replicas: 6,
    hello: 16,
    frames: 17,
    refuse: 18,
    update: 19,
    orphan: 20,
    taken: 21,
    bundle: 22,
    load: 23,
} as const;

export const requestIdBytes = 16;
/** Of one message to a node, which may be a request of the largest size. */
export const maxLinkMessageBytes = 40 * 1024 * 1024;
/** Of one message from a node: frames come in pieces, updates are about as large as a hello. */
export const maxNodeMessageBytes = 2 * 1024 * 1024;
/** Every gateway reads every hello in the directory, so one node must not make it too large to read. */
export const maxHelloBytes = 256 * 1024;
export const pingIntervalMs = 5_000;
export const silenceLimitMs = 15_000;

const base64 = z
    .string()
    .max(65_536)
    .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64')
    .transform((text) => Buffer.from(text, 'base64'));
const hex32 = z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 32 bytes in hex')
    .transform((text) => Buffer.from(text, 'hex'));

export const challengeSchema = z.strictObject({
    network: hex32,
    hub: hex32,
    challenge: hex32,
    /** Which process this is: a node that reaches one replica by two URLs keeps one connection. */
    replica: z
        .string()
        .regex(/^[A-Za-z0-9-]{1,64}$/)
        .optional(),
});
export type Challenge = z.output<typeof challengeSchema>;

/**
 * Certificates of the key that signed a SEV-SNP report, DER, and of its authority and root, PEM; `quote` beside it is the
 * report. Absent where `quote` is a TDX quote, which carries its own.
 */
const snpCertificates = z.strictObject({ vek: base64, chain: z.string().max(32_768) });

export const helloSchema = z.strictObject({
    nodeKey: hex32,
    bundle: base64,
    quote: base64,
    snp: snpCertificates.optional(),
    /** Of the GPUs that the bundle names. */
    gpuEvidence: gpuDocumentSchema.optional(),
    /** Convenience for readers of the directory; verifiers fetch their own. */
    collateral: z.record(z.string(), z.unknown()).nullable(),
    kemCertificates: z.array(base64).min(1).max(4),
    offer: base64,
    signature: base64,
});
export type Hello = z.output<typeof helloSchema>;

export const updateSchema = z.strictObject({
    kemCertificates: z.array(base64).min(1).max(4),
    offer: base64,
    inFlight: z.int().min(0).max(1_000_000),
    queued: z.int().min(0).max(1_000_000),
    /** Of a new attestation of the same key. */
    evidence: z
        .strictObject({
            bundle: base64,
            quote: base64,
            snp: snpCertificates.optional(),
            gpuEvidence: gpuDocumentSchema.optional(),
        })
        .optional(),
});
export type Update = z.output<typeof updateSchema>;

/** More replicas of one dispatcher than that make nothing safer. */
export const maxReplicas = 8;

export const replicaUrlSchema = z.url({ protocol: /^https?$/ }).max(200);
/** Where else this dispatcher's hub is served from the same ledger. */
export const replicasSchema = z.strictObject({ urls: z.array(replicaUrlSchema).max(maxReplicas) });

/** What a node bears, over all its dispatchers: in flight u32 | waiting u32. */
export interface BorneLoad {
    inFlight: number;
    waiting: number;
}

export function encodeBorneLoad({ inFlight, waiting }: BorneLoad): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(inFlight, 0);
    bytes.writeUInt32BE(waiting, 4);
    return bytes;
}

export function decodeBorneLoad(bytes: Buffer): BorneLoad | undefined {
    if (bytes.length !== 8) return undefined;
    return { inFlight: bytes.readUInt32BE(0), waiting: bytes.readUInt32BE(4) };
}

export const refusalSchema = z.strictObject({
    code: z.string().regex(/^[a-z0-9_]{1,64}$/),
    message: z.string().max(500),
    retryAfterMs: z.int().min(0).max(3_600_000).optional(),
});
export type Refusal = z.output<typeof refusalSchema>;

const operationBytes = Array.from({ length: 256 }, (_, code) => Buffer.from([code]));

/** The first piece of a message. */
export function operationByte(operation: keyof typeof linkOperation): Buffer {
    return operationBytes[linkOperation[operation]]!;
}

/**
 * `JSON.parse` reads what is nested as deep as it is long, and `JSON.stringify` then breaks off: one node's hello would keep
 * the whole directory from being written.
 */
const maxJsonDepth = 32;

/** One JSON message: the operation's byte, then UTF-8. Buffers travel as base64, or hex where the schema says so. */
export function encodeJsonMessage(operation: number, value: unknown): Buffer {
    return Buffer.concat([Buffer.from([operation]), Buffer.from(JSON.stringify(value), 'utf8')]);
}

/** A message about one request: operation, request id, rest. */
export function encodeRequestMessage(operation: number, requestId: Buffer, rest: Buffer = Buffer.alloc(0)): Buffer {
    return Buffer.concat([Buffer.from([operation]), requestId, rest]);
}

/** Parses the JSON after the operation's byte; undefined when it is not what the schema says, or nested too deeply. */
export function decodeJson<S extends z.ZodType>(schema: S, payload: Buffer): z.output<S> | undefined {
    try {
        const text = payload.toString('utf8');
        if (isNestedDeeperThan(maxJsonDepth, text)) return undefined;
        const parsed = schema.safeParse(JSON.parse(text));
        return parsed.success ? parsed.data : undefined;
    } catch {
        return undefined;
    }
}

/**
 * The request, in hex, that a message with its operation is about; undefined when it is too short. For frames, of which there are many:
 * no view is made for the name alone.
 */
export function requestNamed(message: Buffer): string | undefined {
    return message.length < messageHeaderBytes ? undefined : message.toString('hex', 1, messageHeaderBytes);
}

/** Operation and request id. */
export const messageHeaderBytes = 1 + requestIdBytes;

export interface RequestMessage {
    requestId: Buffer;
    rest: Buffer;
}

/** Splits what follows the operation's byte; undefined when it is too short to name a request. */
export function decodeRequestMessage(payload: Buffer): RequestMessage | undefined {
    if (payload.length < requestIdBytes) return undefined;
    return { requestId: payload.subarray(0, requestIdBytes), rest: payload.subarray(requestIdBytes) };
}
