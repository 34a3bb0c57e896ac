import { type DispatchLedger, readNodeLogSettleable, type Settleable } from '../ledger';

export interface ReceiptSources {
    ledger?: DispatchLedger;
    /** Logs of nodes: what a provider settles from when it stands alone. */
    nodeLogFiles?: readonly string[];
}

/** The latest receipts of all sources, one for each stream. */
export async function readSettleable(sources: ReceiptSources): Promise<Settleable[]> {
    const lists = await Promise.all((sources.nodeLogFiles ?? []).map((file) => readNodeLogSettleable(file)));
    return mergeSettleable([...((await sources.ledger?.settleable()) ?? []), ...lists.flat()]);
}

/** Keeps the highest sequence of a stream, and for it the highest cap of its session key. */
export function mergeSettleable(all: readonly Settleable[]): Settleable[] {
    const merged = new Map<string, Settleable>();
    for (const one of all) {
        const key = streamKey(one);
        const known = merged.get(key);
        merged.set(key, known ? better(known, one) : one);
    }
    return [...merged.values()];
}

export function streamKey({ escrow, epoch, receipt }: Settleable): string {
    return `${escrow.toString('hex')}/${epoch}/${receipt.nodeKey.toString('hex')}`;
}

function better(a: Settleable, b: Settleable): Settleable {
    const [older, newer] = a.receipt.sequence > b.receipt.sequence ? [b, a] : [a, b];
    const paidNano = a.paidNano > b.paidNano ? a.paidNano : b.paidNano;
    const sameKey = older.receipt.sessionKey.equals(newer.receipt.sessionKey);
    const cap = sameKey && older.cap.capCumulativeNano > newer.cap.capCumulativeNano ? older.cap : newer.cap;
    return { ...newer, cap, paidNano };
}
