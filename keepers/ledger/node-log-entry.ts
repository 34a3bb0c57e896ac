import { z } from 'zod';
import type { SignedCap, SignedReceipt } from './records';

/** What a provider needs to be paid: the receipt and the cap it was earned under. */
export interface NodeLogEntry extends SignedReceipt {
    cap: SignedCap;
    final: boolean;
    atMs: number;
}

/** In place of lines that compaction took out: receipts of one stream that later ones stand for. */
export interface NodeLogSummary {
    escrow: Buffer;
    epoch: number;
    nodeKey: Buffer;
    /** The highest of them, and their highest sum. */
    sequence: number;
    cumulativeNano: bigint;
    /** How many of them were final. */
    finals: number;
}

const hex = (bytes: number) =>
    z
        .string()
        .regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
        .transform((text) => Buffer.from(text, 'hex'));
const nano = z
    .string()
    .regex(/^\d{1,29}$/)
    .transform(BigInt);
const uint32 = z.int().min(0).max(0xffff_ffff);

const entrySchema = z.strictObject({
    v: z.literal(1),
    escrow: hex(32),
    epoch: uint32,
    nodeKey: hex(32),
    sessionKey: hex(32),
    sequence: uint32,
    costNano: nano,
    cumulativeNano: nano,
    reference: hex(32),
    signature: hex(64),
    requestHash: hex(32),
    capCumulativeNano: nano,
    capSignature: hex(64),
    final: z.boolean(),
    atMs: z.int(),
});

const summarySchema = z.strictObject({
    v: z.literal(2),
    escrow: hex(32),
    epoch: uint32,
    nodeKey: hex(32),
    sequence: uint32,
    cumulativeNano: nano,
    finals: z.int().min(0),
});

export function encodeLogSummary({ escrow, epoch, nodeKey, sequence, cumulativeNano, finals }: NodeLogSummary): string {
    const names = { escrow: escrow.toString('hex'), epoch, nodeKey: nodeKey.toString('hex') };
    return JSON.stringify({ v: 2, ...names, sequence, cumulativeNano: cumulativeNano.toString(), finals });
}

export function encodeLogEntry(entry: NodeLogEntry): string {
    const { receipt, cap } = entry;
    return JSON.stringify({
        v: 1,
        escrow: entry.escrow.toString('hex'),
        epoch: entry.epoch,
        nodeKey: receipt.nodeKey.toString('hex'),
        sessionKey: receipt.sessionKey.toString('hex'),
        sequence: receipt.sequence,
        costNano: receipt.costNano.toString(),
        cumulativeNano: receipt.cumulativeNano.toString(),
        reference: receipt.reference.toString('hex'),
        signature: entry.signature.toString('hex'),
        requestHash: cap.requestHash.toString('hex'),
        capCumulativeNano: cap.capCumulativeNano.toString(),
        capSignature: cap.capSignature.toString('hex'),
        final: entry.final,
        atMs: entry.atMs,
    });
}

export type NodeLogLine = { entry: NodeLogEntry } | { summary: NodeLogSummary };

/** @throws when the text is neither; the reader says where. */
export function decodeLogLine(json: string): NodeLogLine {
    const value: unknown = JSON.parse(json);
    if ((value as { v?: unknown } | null)?.v !== 2) return { entry: entryOf(entrySchema.parse(value)) };
    const { v, ...summary } = summarySchema.parse(value);
    void v;
    return { summary };
}

function entryOf(fields: z.output<typeof entrySchema>): NodeLogEntry {
    const { nodeKey, sessionKey, sequence, costNano, cumulativeNano, reference } = fields;
    return {
        escrow: fields.escrow,
        epoch: fields.epoch,
        receipt: { nodeKey, sessionKey, sequence, costNano, cumulativeNano, reference },
        signature: fields.signature,
        cap: {
            sessionKey,
            requestHash: fields.requestHash,
            capCumulativeNano: fields.capCumulativeNano,
            capSignature: fields.capSignature,
        },
        final: fields.final,
        atMs: fields.atMs,
    };
}
