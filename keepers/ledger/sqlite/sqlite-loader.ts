import { type Database, Query } from '../database';
import {
    loadedReceipt,
    loadedReceiptColumns,
    type LoadedReceiptRow,
    loadedRequest,
    loadedRequestColumns,
    type LoadedRequestRow,
    loadedStream,
    loadedStreamColumns,
} from '../dispatch/loaded-rows';
import { bytes } from '../dispatch/changes';
import type { Operation } from '../dispatch/operations';
import type { StreamRow } from '../dispatch/rows';
import type { StreamState } from '../dispatch/states';
import type { WorkingSet } from '../dispatch/working-set';
import type { ReceiptRecord } from '../dispatch-records';
import { type StreamId, toBuffer } from '../records';
import { PackedRows } from './packed-rows';

const fromStreams = `SELECT ${loadedStreamColumns} FROM dispatch_streams`;
const fromRequests = `SELECT ${loadedRequestColumns} FROM dispatch_requests`;
const fromReceipts = `SELECT ${loadedReceiptColumns} FROM dispatch_receipts WHERE stream_id = ?`;

const requestIds = new PackedRows<Buffer>([bytes('request_id', 16, (id) => id)]);

/** Of a connection with `row_numbers`: brings into a working set what the rules read of each operation. */
export class SqliteLoader {
    private readonly streamsOfEscrow: Query<StreamRow>;
    private readonly stream: Query<StreamRow>;
    private readonly streamById: Query<StreamRow>;
    private readonly requests: Query<LoadedRequestRow>;
    private readonly running: Query<LoadedRequestRow>;
    private readonly open: Query<LoadedRequestRow>;
    private readonly receiptAt: Query<LoadedReceiptRow>;
    private readonly receiptBefore: Query<LoadedReceiptRow>;
    private readonly receiptAfter: Query<LoadedReceiptRow>;

    constructor(database: Database) {
        const sql = <Row>(text: string) => new Query<Row>(database, text);
        this.streamsOfEscrow = sql(`${fromStreams} WHERE escrow = ? AND epoch = ?`);
        this.stream = sql(`${fromStreams} WHERE escrow = ? AND epoch = ? AND node_key = ?`);
        this.streamById = sql(`${fromStreams} WHERE id = ?`);
        this.requests = sql(`${fromRequests} WHERE request_id IN (SELECT request_id FROM ${requestIds.table})`);
        this.running = sql(`${fromRequests} WHERE state IN ('running', 'lost') AND dispatcher_id = ?`);
        this.open = sql(`${fromRequests} WHERE state IN ('running', 'lost') AND stream_id = ?`);
        this.receiptAt = sql(`${fromReceipts} AND sequence = ?`);
        this.receiptBefore = sql(`${fromReceipts} AND sequence < ? ORDER BY sequence DESC LIMIT 1`);
        this.receiptAfter = sql(`${fromReceipts} AND sequence > ? ORDER BY sequence LIMIT 1`);
    }

    load(set: WorkingSet, operations: readonly Operation[]): void {
        this.loadRequests(set, operations);
        for (const operation of operations) this.loadOthers(set, operation);
    }

    /** Nearly always they are new, and the answer is that they are not there. */
    private loadRequests(set: WorkingSet, operations: readonly Operation[]): void {
        const unknown = operations.map(requestOf).filter((id): id is Buffer => id !== null && set.seek(id));
        for (const values of requestIds.pack(unknown)) this.putRequests(set, this.requests.all(...values));
    }

    private loadOthers(set: WorkingSet, operation: Operation): void {
        switch (operation.kind) {
            case 'cap':
                return this.loadEscrow(set, operation.cap);
            case 'raise': {
                const request = set.request(operation.raise.requestId);
                return request ? this.loadEscrow(set, request.stream) : undefined;
            }
            case 'receipt':
                return this.loadReceipt(set, operation.record);
            case 'close':
            case 'take':
                return;
            case 'paid':
                return void this.loadStream(set, operation.stream);
            case 'lose':
                return this.putRequests(set, this.running.all(operation.dispatcherId));
            case 'release': {
                const stream = this.loadStream(set, operation.stream);
                return stream && this.putRequests(set, this.open.all(stream.id));
            }
        }
    }

    private loadEscrow(set: WorkingSet, { escrow, epoch }: Omit<StreamId, 'nodeKey'>): void {
        const streams = set.escrow(escrow, epoch);
        if (streams.whole) return;
        for (const row of this.streamsOfEscrow.all(escrow, epoch)) set.put(loadedStream(row));
        streams.whole = true;
    }

    private loadStream(set: WorkingSet, id: StreamId): StreamState | undefined {
        const known = set.stream(id);
        if (known || set.escrow(id.escrow, id.epoch).whole) return known;
        const row = this.stream.get(id.escrow, id.epoch, id.nodeKey);
        if (row) set.put(loadedStream(row));
        return set.stream(id);
    }

    private putRequests(set: WorkingSet, rows: readonly LoadedRequestRow[]): void {
        for (const row of rows) {
            if (set.request(toBuffer(row.request_id))) continue;
            const stream = set.streamWithId(row.stream_id) ?? this.putStreamWithId(set, row.stream_id);
            set.putRequest(loadedRequest(row, stream));
        }
    }

    private putStreamWithId(set: WorkingSet, id: bigint): StreamState {
        const stream = loadedStream(this.streamById.get(id)!);
        set.put(stream);
        return stream;
    }

    private loadReceipt(set: WorkingSet, record: ReceiptRecord): void {
        const { escrow, epoch, receipt } = record;
        const stream = this.loadStream(set, { escrow, epoch, nodeKey: receipt.nodeKey });
        // Only a late receipt has neighbours that the stream's row does not tell.
        if (!stream?.loadedLatest || receipt.sequence > stream.loadedLatest.sequence) return;
        for (const query of [this.receiptAt, this.receiptBefore, this.receiptAfter]) {
            const row = query.get(stream.id, receipt.sequence);
            if (row) set.noteReceipt(stream, loadedReceipt(row));
        }
    }
}

function requestOf(operation: Operation): Buffer | null {
    switch (operation.kind) {
        case 'cap':
            return operation.cap.requestId;
        case 'raise':
            return operation.raise.requestId;
        case 'receipt':
            return operation.record.requestId;
        case 'close':
        case 'take':
            return operation.requestId;
        default:
            return null;
    }
}
