import { Address, type OpenedContract, type SenderArguments } from '@ton/core';
import { inTagOrder, type Payout, type SettlementLine } from '../../wrappers';
import { collectMessages } from '../chain';
import type { ChainCandidate } from './chain-candidates';
import type { SettlementBatch } from './decide-settlements';

export type Batch = SettlementBatch<ChainCandidate>;

/** A Settle for each batch, with the value that the hub asks for at this moment's prices. */
export function settleMessages(
    wallet: Address,
    hub: OpenedContract<Payout>,
    batches: readonly Batch[],
): Promise<SenderArguments[]> {
    return collectMessages(wallet, async (sender) => {
        for (const batch of batches) {
            await hub.sendSettle(sender, {
                escrow: new Address(0, Buffer.from(batch.escrow, 'hex')),
                epoch: batch.epoch,
                lines: ordered(batch),
            });
        }
    });
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

/** The escrow books one charge at a time, so batches of one escrow go one after another: one in each layer. */
export function layersOf<B extends Pick<Batch, 'escrow'>>(batches: readonly B[]): B[][] {
    const depth = new Map<string, number>();
    const layers: B[][] = [];
    for (const batch of batches) {
        const layer = depth.get(batch.escrow) ?? 0;
        depth.set(batch.escrow, layer + 1);
        (layers[layer] ??= []).push(batch);
    }
    return layers;
}

export function chunk<T>(list: readonly T[], size: number): T[][] {
    return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}
