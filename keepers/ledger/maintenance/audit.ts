import { capDigest, checkNodeSignature, checkReceiptSignature } from '../../../wrappers';
import { errorMessage } from '../../base';
import type { Sql } from '../dispatch/sql';
import type { ReceiptRow, RequestRow, StreamRow } from '../dispatch/rows';
import { signedReceipt, streamId } from '../dispatch/rows';
import { maxNano, toBuffer } from '../records';
import { pagesOf } from './pages';

export interface AuditReport {
    ok: boolean;
    streams: number;
    receipts: number;
    caps: number;
    requests: number;
    contradictions: number;
    /** The first hundred. */
    problems: string[];
    problemCount: number;
}

const maxProblems = 100;

type CompactedStream = StreamRow & { compacted_cost_nano: bigint };
type RequestSums = RequestRow & { signed_nano: bigint; cap_hash: Uint8Array | null };

/** Follows every row back to what its node or its client's session key signed, and every sum back to its rows. */
export async function auditLedger(sql: Sql, network: Buffer): Promise<AuditReport> {
    const audit = new Audit(sql, network);
    await audit.run();
    return audit.report;
}

class Audit {
    readonly report: AuditReport = {
        ok: true,
        streams: 0,
        receipts: 0,
        caps: 0,
        requests: 0,
        contradictions: 0,
        problems: [],
        problemCount: 0,
    };
    private readonly streams = new Map<bigint, CompactedStream>();
    private readonly openNano = new Map<bigint, bigint>();
    private readonly highest = new Map<bigint, { sequence: bigint; cumulativeNano: bigint }>();
    private readonly finalsNano = new Map<bigint, bigint>();

    constructor(
        private readonly sql: Sql,
        private readonly network: Buffer,
    ) {}

    async run(): Promise<void> {
        for await (const page of this.pages<CompactedStream>('dispatch_streams', ['id']))
            for (const row of page) this.streams.set(row.id, row);
        this.report.streams = this.streams.size;
        for await (const page of this.pages<ReceiptRow & { stream_id: bigint }>('dispatch_receipts', [
            'stream_id',
            'sequence',
        ]))
            for (const row of page) this.receipt(row);
        await this.caps();
        for await (const page of this.pages<RequestSums>('dispatch_requests', ['request_id']))
            for (const row of page) this.request(row);
        for await (const page of this.pages<ReceiptRow & { stream_id: bigint }>('dispatch_contradictions', ['id']))
            for (const row of page) this.contradiction(row);
        for (const stream of this.streams.values()) this.sums(stream);
    }

    private pages<Row>(name: string, key: string[]): AsyncIterable<Row[]> {
        return pagesOf(this.sql, { name, key }) as AsyncIterable<unknown> as AsyncIterable<Row[]>;
    }

    private receipt(row: ReceiptRow & { stream_id: bigint }): void {
        this.report.receipts += 1;
        const what = `receipt ${row.sequence} of stream ${row.stream_id}`;
        this.signedByNode(row, what);
        const before = this.highest.get(row.stream_id);
        if (before && before.cumulativeNano > row.cumulative_nano)
            this.problem(`${what}: its sum is below the one before`);
        this.highest.set(row.stream_id, { sequence: row.sequence, cumulativeNano: row.cumulative_nano });
        if (row.final !== 1n) return;
        this.finalsNano.set(row.stream_id, (this.finalsNano.get(row.stream_id) ?? 0n) + row.cost_nano);
    }

    private contradiction(row: ReceiptRow & { stream_id: bigint }): void {
        this.report.contradictions += 1;
        this.signedByNode(row, `contradiction ${row.id}`);
    }

    private signedByNode(row: ReceiptRow & { stream_id: bigint }, what: string): void {
        const stream = this.streams.get(row.stream_id);
        if (!stream) return this.problem(`${what}: there is no such stream`);
        this.attempt(what, () => {
            const { escrow, epoch, receipt, signature } = signedReceipt({ ...row, ...idOf(stream) });
            checkReceiptSignature({ network: this.network, escrow, epoch, ...receipt }, signature);
        });
    }

    private async caps(): Promise<void> {
        type CapRow = {
            stream_id: bigint;
            session_key: Buffer;
            cap_nano: bigint;
            cap_hash: Buffer;
            cap_signature: Buffer;
        };
        for await (const page of this.pages<CapRow>('dispatch_caps', ['stream_id', 'session_key']))
            for (const row of page) {
                this.report.caps += 1;
                this.signedBySession({ ...row, hash: row.cap_hash }, `best cap of stream ${row.stream_id}`);
            }
    }

    private request(row: RequestSums): void {
        this.report.requests += 1;
        const what = `request ${toBuffer(row.request_id).toString('hex')}`;
        this.signedBySession({ ...row, hash: row.cap_hash ?? row.request_hash }, what);
        if (row.state !== 'running' && row.state !== 'lost') return;
        const openNano = maxNano(0n, row.worst_case_nano - row.signed_nano);
        this.openNano.set(row.stream_id, (this.openNano.get(row.stream_id) ?? 0n) + openNano);
    }

    private signedBySession(
        cap: {
            stream_id: bigint;
            session_key: Uint8Array;
            cap_nano: bigint;
            cap_signature: Uint8Array;
            hash: Uint8Array;
        },
        what: string,
    ): void {
        const stream = this.streams.get(cap.stream_id);
        if (!stream) return this.problem(`${what}: there is no such stream`);
        this.attempt(what, () => {
            const requestHash = toBuffer(cap.hash);
            const digest = capDigest({
                network: this.network,
                ...streamId(stream),
                cumulativeNano: cap.cap_nano,
                requestHash,
            });
            // A session key signs with Ed25519, as a node of suite 1 does.
            checkNodeSignature({ nodeKey: toBuffer(cap.session_key), digest, signature: toBuffer(cap.cap_signature) });
        });
    }

    private sums(stream: CompactedStream): void {
        const what = `stream ${stream.id}`;
        const open = this.openNano.get(stream.id) ?? 0n;
        if (open !== stream.open_worst_nano)
            this.problem(`${what}: ${stream.open_worst_nano} nanoTON are set aside, its open requests give ${open}`);
        const highest = this.highest.get(stream.id);
        if (!highest && stream.latest_sequence >= 0n) return this.problem(`${what}: its latest receipt is gone`);
        if (!highest) return;
        if (highest.sequence !== stream.latest_sequence || highest.cumulativeNano !== stream.latest_cumulative_nano)
            this.problem(`${what}: its sum is not that of its latest receipt`);
        this.compacted(stream, what);
    }

    /** Of receipts that are gone their stream says what they came to: all of that was paid, and none of it can be too much. */
    private compacted(stream: CompactedStream, what: string): void {
        const { compacted_cost_nano: goneNano, paid_nano: paidNano, latest_cumulative_nano: sumNano } = stream;
        if (goneNano > paidNano) this.problem(`${what}: ${goneNano} nanoTON were compacted away, ${paidNano} are paid`);
        const finalsNano = goneNano + (this.finalsNano.get(stream.id) ?? 0n);
        if (finalsNano > sumNano) this.problem(`${what}: its final receipts cost ${finalsNano}, its sum is ${sumNano}`);
    }

    private attempt(what: string, act: () => void): void {
        try {
            act();
        } catch (error) {
            this.problem(`${what}: ${errorMessage(error)}`);
        }
    }

    private problem(text: string): void {
        this.report.ok = false;
        this.report.problemCount += 1;
        if (this.report.problems.length < maxProblems) this.report.problems.push(text);
    }
}

function idOf({ escrow, epoch, node_key }: StreamRow) {
    return { escrow, epoch, node_key };
}
