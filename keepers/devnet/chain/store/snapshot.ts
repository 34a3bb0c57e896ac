import { z } from 'zod';
import type { FeeTotals } from '../core/fee-totals';

const amount = z.string().regex(/^\d+$/).transform(BigInt);

/** The whole state between two messages, except the transactions, which are in the history file. */
export const snapshotSchema = z.strictObject({
    version: z.literal(1),
    /** Number of the journal that continues from here. */
    generation: z.int().min(0),
    accounts: z.record(z.string(), z.string()),
    lt: amount,
    offsetSec: z.int(),
    nowSec: z.int(),
    fees: z.strictObject({ gasNano: amount, storageNano: amount, forwardNano: amount, burnedNano: amount }),
    /** Length of the history file that belongs to this snapshot. */
    historyBytes: z.int().min(0),
});

export type Snapshot = z.output<typeof snapshotSchema>;

/** What the chain contributes; the directory adds the rest. */
export type ChainState = Omit<Snapshot, 'version' | 'generation' | 'historyBytes'>;

function writeFees(fees: FeeTotals): Record<string, string> {
    return Object.fromEntries(Object.entries(fees).map(([name, nano]) => [name, String(nano)]));
}

export function writeSnapshot(snapshot: Snapshot): string {
    return JSON.stringify({ ...snapshot, lt: snapshot.lt.toString(), fees: writeFees(snapshot.fees) });
}
