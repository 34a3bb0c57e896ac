import { type DispatchLedger, FollowedNodeLog, type Settleable } from '../ledger';

export interface ReceiptSources {
    ledger?: DispatchLedger;
    /** Logs of nodes: what a provider settles from when it stands alone. */
    nodeLogFiles?: readonly string[];
}

/** The latest receipts of all sources, one for each stream, however often they are asked for. */
export class SettleableReceipts {
    private readonly logs: readonly FollowedNodeLog[];

    constructor(private readonly sources: ReceiptSources) {
        this.logs = (sources.nodeLogFiles ?? []).map((file) => new FollowedNodeLog(file));
    }

    /** One call at a time. */
    async read(): Promise<Settleable[]> {
        const lists = await Promise.all(this.logs.map((log) => log.settleable()));
        return mergeSettleable([...((await this.sources.ledger?.settleable()) ?? []), ...lists.flat()]);
    }
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
