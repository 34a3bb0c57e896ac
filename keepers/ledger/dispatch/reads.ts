import type { DispatchRequest, Settleable, StoredReceipt } from '../dispatch-records';
import type { EscrowFunds, SignedReceipt, StreamId } from '../records';
import {
    type ContradictionRow,
    dispatchRequest,
    type ReceiptRow,
    type RequestRow,
    settleable,
    type SettleableRow,
    signedReceipt,
    storedReceipt,
    streamId,
    type StreamRow,
} from './rows';
import { owedBeyondPaid } from './rules';
import type { Sql } from './sql';

const receiptColumns = `r.*, s.escrow, s.epoch, s.node_key
    FROM dispatch_receipts r JOIN dispatch_streams s ON s.id = r.stream_id`;

const streamColumns = `id, escrow, epoch, node_key, latest_sequence, latest_cumulative_nano, open_worst_nano, paid_nano,
    compacted_sequence`;

/** What DispatchLedger answers, the same statements for both databases. */
export class DispatchReads {
    constructor(private readonly sql: Sql) {}

    async hasRequest(requestId: Buffer): Promise<boolean> {
        const text = 'SELECT stream_id FROM dispatch_requests WHERE request_id = ?';
        return (await this.sql.all(text, [requestId])).length > 0;
    }

    async request(requestId: Buffer): Promise<DispatchRequest | null> {
        const [row] = await this.sql.all<RequestRow>(
            `SELECT q.*, s.escrow, s.epoch, s.node_key FROM dispatch_requests q
             JOIN dispatch_streams s ON s.id = q.stream_id WHERE q.request_id = ?`,
            [requestId],
        );
        if (!row) return null;
        const [receipt, checkpoint] = await Promise.all([
            this.receiptAt(row.stream_id, row.final_sequence),
            this.receiptAt(row.stream_id, row.checkpoint_sequence),
        ]);
        return dispatchRequest(row, { receipt, checkpoint });
    }

    /** At most a thousand, the longest open first. */
    async streamsOpenSince(beforeMs: number): Promise<{ stream: StreamId; sinceMs: number }[]> {
        const rows = await this.sql.all<Pick<StreamRow, 'escrow' | 'epoch' | 'node_key'> & { since: bigint }>(
            `SELECT s.escrow, s.epoch, s.node_key, min(q.recorded_at_ms) AS since
             FROM dispatch_requests q JOIN dispatch_streams s ON s.id = q.stream_id
             WHERE q.state IN ('running', 'lost') AND q.recorded_at_ms < ?
             GROUP BY s.escrow, s.epoch, s.node_key ORDER BY min(q.recorded_at_ms) LIMIT 1000`,
            [beforeMs],
        );
        return rows.map((row) => ({ stream: streamId(row), sinceMs: Number(row.since) }));
    }

    /** Latest receipts not fully paid, each with the highest cap held under the session key that it names. */
    async settleable(): Promise<Settleable[]> {
        const rows = await this.sql.all<SettleableRow>(
            `SELECT s.escrow, s.epoch, s.node_key, s.paid_nano, r.session_key, r.sequence, r.cost_nano,
                    r.cumulative_nano, r.reference, r.signature, r.received_at_ms,
                    c.cap_nano, c.cap_signature, c.cap_hash
             FROM dispatch_streams s
             JOIN dispatch_receipts r ON r.stream_id = s.id AND r.sequence = s.latest_sequence
             JOIN dispatch_caps c ON c.stream_id = s.id AND c.session_key = r.session_key
             WHERE s.latest_cumulative_nano > s.paid_nano AND c.cap_nano > s.paid_nano ORDER BY s.id`,
        );
        return rows.map(settleable);
    }

    /** What could be settled now, and when the first receipt came that is not paid in full. */
    async unsettled(): Promise<{ streams: number; owedNano: bigint; oldestAtMs: number | null }> {
        const open = await this.settleable();
        const [row] = await this.sql.all<{ oldest: bigint | null }>(
            `SELECT min(r.received_at_ms) AS oldest FROM dispatch_receipts r
             JOIN dispatch_streams s ON s.id = r.stream_id
             WHERE s.latest_cumulative_nano > s.paid_nano AND r.cumulative_nano > s.paid_nano`,
        );
        const owedNano = open.reduce((sum, { receipt, cap, paidNano }) => {
            const { cumulativeNano } = receipt;
            return sum + (cumulativeNano < cap.capCumulativeNano ? cumulativeNano : cap.capCumulativeNano) - paidNano;
        }, 0n);
        const oldest = row!.oldest;
        return { streams: open.length, owedNano, oldestAtMs: oldest === null ? null : Number(oldest) };
    }

    async latestReceipt(id: StreamId): Promise<StoredReceipt | null> {
        const stream = await this.stream(id);
        return stream ? this.receiptAt(stream.id, stream.latest_sequence) : null;
    }

    async highestCapNano(id: StreamId): Promise<bigint> {
        const [row] = await this.sql.all<{ cap: bigint | null }>(
            `SELECT max(c.cap_nano) AS cap FROM dispatch_caps c JOIN dispatch_streams s ON s.id = c.stream_id
             WHERE s.escrow = ? AND s.epoch = ? AND s.node_key = ?`,
            [id.escrow, id.epoch, id.nodeKey],
        );
        return row!.cap ?? 0n;
    }

    async outstandingNano(escrow: Buffer, epoch: number, funds: Pick<EscrowFunds, 'paidNano'>): Promise<bigint> {
        return (await this.streams(escrow, epoch)).reduce((sum, row) => {
            const nodeKeyHex = Buffer.from(row.node_key).toString('hex');
            const sums = { latestCumulativeNano: row.latest_cumulative_nano, openWorstNano: row.open_worst_nano };
            return sum + owedBeyondPaid({ nodeKeyHex, ...sums }, funds);
        }, 0n);
    }

    async nodeKeys(escrow: Buffer, epoch: number): Promise<Buffer[]> {
        return (await this.streams(escrow, epoch)).map((row) => streamId(row).nodeKey);
    }

    async finalReceipts(page: { afterId?: bigint; limit: number }): Promise<StoredReceipt[]> {
        const rows = await this.sql.all<ReceiptRow>(
            `SELECT ${receiptColumns} WHERE r.final = 1 AND r.id > ? ORDER BY r.id LIMIT ?`,
            [page.afterId ?? 0n, page.limit],
        );
        return rows.map(storedReceipt);
    }

    async contradictions(): Promise<{ kept: StoredReceipt; other: SignedReceipt }[]> {
        const rows = await this.sql.all<ContradictionRow>(
            `SELECT c.*, s.escrow, s.epoch, s.node_key FROM dispatch_contradictions c
             JOIN dispatch_streams s ON s.id = c.stream_id ORDER BY c.id`,
        );
        return Promise.all(
            rows.map(async (row) => ({
                kept: (await this.receiptAt(row.stream_id, row.kept_sequence))!,
                other: signedReceipt(row),
            })),
        );
    }

    async totals(): Promise<{ finalReceipts: number; costNano: bigint; paidNano: bigint }> {
        const [kept] = await this.sql.all<{ receipts: bigint; cost: bigint | null }>(
            'SELECT count(*) AS receipts, sum(cost_nano) AS cost FROM dispatch_receipts WHERE final = 1',
        );
        const [streams] = await this.sql.all<{ receipts: bigint | null; cost: bigint | null; paid: bigint | null }>(
            `SELECT sum(compacted_receipts) AS receipts, sum(compacted_cost_nano) AS cost, sum(paid_nano) AS paid
             FROM dispatch_streams`,
        );
        return {
            finalReceipts: Number(kept!.receipts + (streams!.receipts ?? 0n)),
            costNano: (kept!.cost ?? 0n) + (streams!.cost ?? 0n),
            paidNano: streams!.paid ?? 0n,
        };
    }

    private async stream({ escrow, epoch, nodeKey }: StreamId): Promise<StreamRow | undefined> {
        const [row] = await this.sql.all<StreamRow>(
            `SELECT ${streamColumns} FROM dispatch_streams WHERE escrow = ? AND epoch = ? AND node_key = ?`,
            [escrow, epoch, nodeKey],
        );
        return row;
    }

    private streams(escrow: Buffer, epoch: number): Promise<StreamRow[]> {
        const text = `SELECT ${streamColumns} FROM dispatch_streams WHERE escrow = ? AND epoch = ? ORDER BY id`;
        return this.sql.all<StreamRow>(text, [escrow, epoch]);
    }

    private async receiptAt(streamRow: bigint, sequence: bigint | null): Promise<StoredReceipt | null> {
        if (sequence === null) return null;
        const [row] = await this.sql.all<ReceiptRow>(
            `SELECT ${receiptColumns} WHERE r.stream_id = ? AND r.sequence = ?`,
            [streamRow, sequence],
        );
        return row ? storedReceipt(row) : null;
    }
}
