import { existsSync } from 'node:fs';
import { type DispatchLedgerOptions, openDispatchLedger, scanNodeLog } from '../../../keepers/ledger';
import { type KeptReceipt, streamOf, type StreamKey } from './statements';

const pageSize = 500;

/** All receipts that a node's log holds, each with the cap it was earned under. */
export async function receiptsOfNodeLog(file: string): Promise<KeptReceipt[]> {
    const kept: KeptReceipt[] = [];
    if (!existsSync(file)) return kept;
    await scanNodeLog(file, ({ escrow, epoch, receipt, signature, final, cap }) => {
        kept.push({ escrow, epoch, receipt, signature, final, cap, keeper: file });
    });
    return kept;
}

export interface DispatcherBooks {
    finals: KeptReceipt[];
    /** The latest receipts, final or not, that the ledger holds to be unpaid in part. */
    outstanding: Map<StreamKey, KeptReceipt>;
    /** Pairs of receipts that exclude each other. */
    contradictions: number;
    /** Also of receipts that it has deleted. */
    totals: { finalReceipts: number; costNano: bigint };
}

export async function booksOfDispatcher(place: DispatchLedgerOptions): Promise<DispatcherBooks> {
    const ledger = await openDispatchLedger(place);
    try {
        const finals: KeptReceipt[] = [];
        for (let afterId: bigint | undefined; ;) {
            const page = await ledger.finalReceipts({ afterId, limit: pageSize });
            finals.push(...page.map((stored) => ({ ...stored, cap: null, keeper: 'dispatcher' })));
            if (page.length < pageSize) break;
            afterId = page.at(-1)!.id;
        }
        const outstanding = new Map(
            (await ledger.settleable()).map((one) => [streamOf(one), { ...one, final: false, keeper: 'dispatcher' }]),
        );
        const contradictions = (await ledger.contradictions()).length;
        return { finals, outstanding, contradictions, totals: await ledger.totals() };
    } finally {
        await ledger.close();
    }
}
