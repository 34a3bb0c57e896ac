import { Address } from '@ton/core';
import { z } from 'zod';
import type { NetworkReader } from '../chain';
import type { OutboxEntry } from '../ledger';
import type { Intent, IntentState } from '../outbox';
import { payableNano } from './chain-candidates';
import type { FailedLine } from './held-lines';
import type { Batch } from './submit-batches';

export const settleKind = 'settle';

const nano = z.string().transform(BigInt);
const payloadSchema = z.strictObject({
    /** Raw address; what an earlier version recorded has none and was for its settler's only hub. */
    hub: z.string().optional(),
    escrow: z.string(),
    epoch: z.int(),
    /** By node key: what the chain had paid it and will have paid it in total; what it looked like, which earlier versions read. */
    lines: z.record(z.string(), z.strictObject({ beforeNano: nano, afterNano: nano, fingerprint: z.string() })),
});
type Payload = z.output<typeof payloadSchema>;

/** A batch as an intent of the outbox. */
export function settleIntent(hub: Address, batch: Batch, maxFeeNano?: bigint): Intent {
    const lines = Object.fromEntries(
        batch.lines.map(({ nodeKey, settleable, fingerprint, paidNano }) => [
            nodeKey,
            { beforeNano: paidNano.toString(), afterNano: payableNano(settleable).toString(), fingerprint },
        ]),
    );
    const payload = JSON.stringify({ hub: hub.toRawString(), escrow: batch.escrow, epoch: batch.epoch, lines });
    const key = `${batch.escrow}/${batch.epoch}/${batch.lines[0]!.nodeKey}`;
    return { kind: settleKind, key, payload, maxFeeNano, notAfterSec: lastDeadlineSec(batch) };
}

/** Undefined while some line has no deadline: the batch is of use as long as one of its lines is. */
function lastDeadlineSec({ lines }: Batch): number | undefined {
    const deadlines = lines.map(({ deadlineSec }) => deadlineSec ?? Infinity);
    const last = Math.max(...deadlines);
    return Number.isFinite(last) ? last : undefined;
}

/**
 * What the chain shows of a batch: `done` when every line has all that it allows, `partly` when some line has got more
 * than before, `undone` otherwise. Null while a charge is being booked, which may still be reverted.
 */
export async function settlementState(
    entry: OutboxEntry,
    { reader, hub }: { reader: NetworkReader; hub: Address },
): Promise<IntentState | null> {
    const payload = readPayload(entry);
    const nodeKeys = Object.keys(payload.lines).map((key) => Buffer.from(key, 'hex'));
    const address = new Address(0, Buffer.from(payload.escrow, 'hex'));
    const at = payload.hub === undefined ? hub : Address.parseRaw(payload.hub);
    const snapshot = await reader.escrow({ address, hub: at, nodeKeys: () => nodeKeys });
    if (snapshot === null || snapshot.epoch !== payload.epoch) return 'undone';
    if (snapshot.inFlightNano !== null) return null;
    const lines = Object.entries(payload.lines);
    const paid = (key: string) => snapshot.paidNano.get(key) ?? 0n;
    if (lines.every(([key, { afterNano }]) => paid(key) >= afterNano)) return 'done';
    return lines.some(([key, { beforeNano }]) => paid(key) > beforeNano) ? 'partly' : 'undone';
}

/**
 * Lines of batches that came to nothing: held back after a restart, too. Whether a charge was made that passed them over,
 * only the trace told: so this says nothing of how they looked.
 */
export function failedLinesOf(entry: OutboxEntry): FailedLine[] {
    const { escrow, epoch, lines } = readPayload(entry);
    return Object.keys(lines).map((nodeKey) => ({
        line: `${escrow}/${epoch}/${nodeKey}`,
        fingerprint: null,
        failedAtSec: Math.floor(entry.updatedAtMs / 1000),
        deadlineSec: entry.notAfterSec,
    }));
}

function readPayload(entry: OutboxEntry): Payload {
    return payloadSchema.parse(JSON.parse(entry.payload));
}
