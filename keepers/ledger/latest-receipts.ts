import type { Settleable } from './dispatch-records';
import type { NodeLogEntry } from './node-log-entry';
import type { StreamId } from './records';

/** Of a node's receipts, in any order, what settles all that they could settle. */
export class LatestReceipts {
    private readonly latest = new Map<string, NodeLogEntry>();
    /** By stream and session key. */
    private readonly bestCaps = new Map<string, NodeLogEntry['cap']>();

    add(entry: NodeLogEntry): void {
        const stream = streamKey(entry);
        const known = this.latest.get(stream);
        if (!known || known.receipt.sequence < entry.receipt.sequence) this.latest.set(stream, entry);
        const capKey = `${stream}/${entry.cap.sessionKey.toString('hex')}`;
        const best = this.bestCaps.get(capKey);
        if (!best || best.capCumulativeNano < entry.cap.capCumulativeNano) this.bestCaps.set(capKey, entry.cap);
    }

    settleable(): Settleable[] {
        return [...this.latest].map(([stream, entry]) => ({
            escrow: entry.escrow,
            epoch: entry.epoch,
            receipt: entry.receipt,
            signature: entry.signature,
            cap: this.bestCaps.get(`${stream}/${entry.receipt.sessionKey.toString('hex')}`)!,
            paidNano: 0n,
            receivedAtMs: entry.atMs,
        }));
    }
}

export function streamKey({ escrow, epoch, receipt }: NodeLogEntry): string {
    return streamName({ escrow, epoch, nodeKey: receipt.nodeKey });
}

/** One text for one node's account with one escrow. */
export function streamName({ escrow, epoch, nodeKey }: StreamId): string {
    return `${escrow.toString('hex')}/${epoch}/${nodeKey.toString('hex')}`;
}
