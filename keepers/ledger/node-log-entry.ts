import { z } from 'zod';
import type { SignedCap, SignedReceipt } from './records';

/** What a provider needs to be paid: the receipt and the cap it was earned under. */
export interface NodeLogEntry extends SignedReceipt {
    cap: SignedCap;
    final: boolean;
    atMs: number;
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

/** @throws when the text is not an entry; the reader says where. */
export function decodeLogEntry(json: string): NodeLogEntry {
    const fields = entrySchema.parse(JSON.parse(json));
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
