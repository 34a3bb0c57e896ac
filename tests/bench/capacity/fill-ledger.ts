import { systemClock } from '../../../keepers/base';
import { type CapRecord, openDispatchLedger } from '../../../keepers/ledger';
import { digestOf, escrowAt, nodeKeyAt } from './places';
import type { Size } from './size';

const atOnce = 500;
/** One in so many still ran when the dispatcher stopped. */
const runningOneIn = 20;

/** One request of every escrow, a twentieth of them still running when the dispatcher stopped. */
export async function fillLedger(file: string, { escrows, nodes }: Size): Promise<void> {
    const ledger = await openDispatchLedger({ file });
    for (let first = 0; first < escrows; first += atOnce) {
        const length = Math.min(atOnce, escrows - first);
        const batch = Array.from({ length }, (_unused, offset) => recordOf(first + offset, nodes));
        await Promise.all(batch.map((record) => ledger.recordCap(record)));
        const over = batch.filter((_record, offset) => offset % runningOneIn !== 0);
        const atMs = systemClock.nowMs();
        await Promise.all(over.map(({ requestId }) => ledger.closeRequest(requestId, 'refused', { atMs })));
    }
    await ledger.close();
}

function recordOf(index: number, nodes: number): CapRecord {
    return {
        requestId: digestOf(`request ${index}`).subarray(0, 16),
        escrow: escrowAt(index),
        epoch: 1,
        nodeKey: nodeKeyAt(index % nodes),
        sessionKey: digestOf(`session key ${index}`),
        requestHash: digestOf(`hash ${index}`),
        offerHash: digestOf('offer'),
        capCumulativeNano: 1_000n,
        capSignature: Buffer.alloc(64, 1),
        funds: { balanceNano: 10n ** 12n, paidNano: new Map() },
        atMs: systemClock.nowMs(),
    };
}
