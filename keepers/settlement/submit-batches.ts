import { Address, type OpenedContract } from '@ton/core';
import { inTagOrder, type Payout, type SettlementLine } from '../../wrappers';
import { type ChainWallet, collectMessages, type SendResult } from '../chain';
import type { ChainCandidate } from './chain-candidates';
import type { SettlementBatch } from './decide-settlements';

export type Batch = SettlementBatch<ChainCandidate>;

export interface SubmitOptions {
    hub: OpenedContract<Payout>;
    wallet: ChainWallet;
    batches: readonly Batch[];
    signal?: AbortSignal;
    timeoutMs: number;
}

/** One wallet transaction that carries a Settle for each batch; resolves when the whole trace is done. */
export async function submitBatches(options: SubmitOptions): Promise<SendResult> {
    const { hub, wallet, batches, signal, timeoutMs } = options;
    const messages = await collectMessages(wallet.address, async (sender) => {
        for (const batch of batches) {
            await hub.sendSettle(sender, {
                escrow: new Address(0, Buffer.from(batch.escrow, 'hex')),
                epoch: batch.epoch,
                lines: ordered(batch),
            });
        }
    });
    return wallet.sendAndConfirm(messages, { signal, timeoutMs });
}

/** The cheapest order, unless the order decides whom an escrow's balance still pays. */
function ordered({ lines, balanceCovers }: Batch): SettlementLine[] {
    const built = lines.map(({ settleable }) => settlementLine(settleable));
    return balanceCovers ? inTagOrder(built) : built;
}

function settlementLine(settleable: ChainCandidate['settleable']): SettlementLine {
    const { receipt, signature, cap } = settleable;
    return {
        receipt,
        nodeSignature: signature,
        cap: { nodeKey: receipt.nodeKey, cumulativeNano: cap.capCumulativeNano, requestHash: cap.requestHash },
        capSignature: cap.capSignature,
    };
}

/**
 * The escrow books one charge at a time, so batches of one escrow go one after another; those of different escrows
 * share a wallet transaction.
 */
export function roundsOf(batches: readonly Batch[], maxPerRound: number): Batch[][] {
    const depth = new Map<string, number>();
    const layers: Batch[][] = [];
    for (const batch of batches) {
        const layer = depth.get(batch.escrow) ?? 0;
        depth.set(batch.escrow, layer + 1);
        (layers[layer] ??= []).push(batch);
    }
    return layers.flatMap((layer) => chunk(layer, maxPerRound));
}

function chunk<T>(list: readonly T[], size: number): T[][] {
    return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
