import { type DispatchLedger, FollowedNodeLog, type Settleable } from '../ledger';
import { type UnreadableLog, unreadableLog } from './unreadable-log';

export interface ReceiptSources {
    ledger?: DispatchLedger;
    /** Logs of nodes: what a provider settles from when it stands alone. */
    nodeLogFiles?: readonly string[];
}

export interface ReadReceipts {
    settleables: Settleable[];
    unreadable: UnreadableLog[];
}

/** The latest receipts of all sources, one for each stream, however often they are asked for. */
export class SettleableReceipts {
    private readonly logs: readonly { file: string; followed: FollowedNodeLog }[];

    constructor(private readonly sources: ReceiptSources) {
        this.logs = (sources.nodeLogFiles ?? []).map((file) => ({
            file,
            followed: new FollowedNodeLog(file),
        }));
    }

    /** No node's income waits for another's disk: a log that can't be read keeps nothing else back. One call at a time. */
    async read(): Promise<ReadReceipts> {
        const unreadable: UnreadableLog[] = [];
        const lists = this.logs.map(({ file, followed }) =>
            followed.settleable().catch((error: unknown) => {
                unreadable.push(unreadableLog(file, error));
                return [];
            }),
        );
        const ofLogs = (await Promise.all(lists)).flat();
        const ofLedger = (await this.sources.ledger?.settleable()) ?? [];
        return { settleables: mergeSettleable([...ofLedger, ...ofLogs]), unreadable };
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
