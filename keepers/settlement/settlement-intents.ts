import { z } from 'zod';
import type { NetworkReader } from '../chain';
import { Address } from '@ton/core';
import type { DispatchLedger, OutboxEntry } from '../ledger';
import { payableNano } from './chain-candidates';
import type { Batch } from './submit-batches';

const kind = 'settle';

const payloadSchema = z.strictObject({
    escrow: z.string(),
    epoch: z.int(),
    /** Node key -> what the chain will have paid it in total. */
    lines: z.record(z.string(), z.string().transform(BigInt)),
});

/** Settlements as intents in the ledger's outbox: recorded before they are sent, closed by what the chain shows. */
export class SettlementIntents {
    constructor(private readonly ledger: DispatchLedger) {}

    async record(batch: Batch, atMs: number): Promise<OutboxEntry> {
        const lines = Object.fromEntries(
            batch.lines.map(({ nodeKey, settleable }) => [nodeKey, payableNano(settleable).toString()]),
        );
        const payload = JSON.stringify({ escrow: batch.escrow, epoch: batch.epoch, lines });
        const key = `${batch.escrow}/${batch.epoch}/${batch.lines[0]!.nodeKey}`;
        const entry = await this.ledger.outbox.record({ kind, key, payload, atMs });
        await this.ledger.outbox.markSent(entry.id, atMs);
        return entry;
    }

    close(entry: OutboxEntry, result: { transactionHash: string | null; errorCode: string | null; atMs: number }) {
        const state = result.errorCode === null ? 'confirmed' : 'abandoned';
        return this.ledger.outbox.close(entry.id, { state, ...result });
    }

    /**
     * Closes what an earlier run left open: confirmed where the chain has paid it. The rest is abandoned once it is
     * older than a sent message can live; if it is still owed it will be decided on again.
     */
    async reconcile(options: { reader: NetworkReader; hub: Address; atMs: number; maxAgeMs: number }): Promise<void> {
        for (const entry of await this.ledger.outbox.open(kind)) {
            const paid = await isPaid(entry, options);
            if (!paid && options.atMs - entry.createdAtMs < options.maxAgeMs) continue;
            const errorCode = paid ? null : 'superseded';
            await this.close(entry, { transactionHash: entry.transactionHash, errorCode, atMs: options.atMs });
        }
    }
}

async function isPaid(entry: OutboxEntry, options: { reader: NetworkReader; hub: Address }): Promise<boolean> {
    const payload = payloadSchema.parse(JSON.parse(entry.payload));
    const nodeKeys = Object.keys(payload.lines).map((key) => Buffer.from(key, 'hex'));
    const snapshot = await options.reader.escrow({
        address: new Address(0, Buffer.from(payload.escrow, 'hex')),
        hub: options.hub,
        nodeKeys: () => nodeKeys,
    });
    if (snapshot?.epoch !== payload.epoch) return false;
    return Object.entries(payload.lines).every(([key, totalNano]) => (snapshot.paidNano.get(key) ?? 0n) >= totalNano);
}
