import type pg from 'pg';
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
import type { Operation } from '../dispatch/operations';
import type { StreamRow } from '../dispatch/rows';
import type { StreamState } from '../dispatch/states';
import type { WorkingSet } from '../dispatch/working-set';
import type { StreamId } from '../records';
import { byteaArray, int8Array } from './arrays';

type EscrowId = Pick<StreamId, 'escrow' | 'epoch'>;

interface Needs {
    escrows: Map<string, EscrowId>;
    requestIds: Map<string, Buffer>;
}

/**
 * Brings into a working set what the rules read of a batch, in a few statements. Every escrow that the batch touches is
 * locked first, in one order for all: then no other replica changes its streams, requests and receipts before the
 * commit, and two replicas never wait for each other in a circle.
 */
export async function loadBatch(client: pg.Client, set: WorkingSet, operations: readonly Operation[]): Promise<void> {
    const needs = needsOf(operations);
    await findEscrows(client, needs, operations);
    // One after the other at the server: each statement sees what was committed before the locks were granted.
    const [, streams, requests] = await Promise.all([
        lockEscrows(client, needs),
        loadStreams(client, needs),
        loadRequests(client, needs),
    ]);
    for (const row of streams) set.put(loadedStream(row));
    for (const { escrow, epoch } of needs.escrows.values()) set.escrow(escrow, epoch).whole = true;
    for (const requestId of needs.requestIds.values()) set.seek(requestId);
    await putRequests(client, set, requests);
    for (const operation of operations) await loadOpenRequests(client, set, operation);
    await loadLateNeighbours(client, set, operations);
}

function needsOf(operations: readonly Operation[]): Needs {
    const needs: Needs = { escrows: new Map(), requestIds: new Map() };
    for (const operation of operations) {
        const { escrow, requestId } = namedBy(operation);
        if (escrow) needs.escrows.set(`${escrow.escrow.toString('hex')}/${escrow.epoch}`, escrow);
        if (requestId) needs.requestIds.set(requestId.toString('hex'), requestId);
    }
    return needs;
}

function namedBy(operation: Operation): { escrow?: EscrowId; requestId?: Buffer | null } {
    switch (operation.kind) {
        case 'cap':
            return { escrow: operation.cap, requestId: operation.cap.requestId };
        case 'raise':
            return { requestId: operation.raise.requestId };
        case 'receipt':
            return { escrow: operation.record, requestId: operation.record.requestId };
        case 'close':
        case 'take':
            return { requestId: operation.requestId };
        case 'paid':
        case 'release':
            return { escrow: operation.stream };
        case 'lose':
            return {};
    }
}

/** Of operations that only name a request, or whose requests are only known by who relays them. */
async function findEscrows(client: pg.Client, needs: Needs, operations: readonly Operation[]): Promise<void> {
    const ids = operations.flatMap((operation) =>
        ['raise', 'close', 'take'].includes(operation.kind) ? [namedBy(operation).requestId!] : [],
    );
    const losing = operations.flatMap((operation) => (operation.kind === 'lose' ? [operation.dispatcherId] : []));
    if (ids.length === 0 && losing.length === 0) return;
    const { rows } = await client.query<{ escrow: Buffer; epoch: bigint }>({
        name: 'escrows of requests',
        text: `SELECT DISTINCT s.escrow, s.epoch FROM dispatch_streams s JOIN dispatch_requests q ON q.stream_id = s.id
            WHERE q.request_id = ANY($1::bytea[])
            OR (q.state IN ('running', 'lost') AND q.dispatcher_id = ANY($2::text[]))`,
        values: [byteaArray(ids), losing],
    });
    for (const { escrow, epoch } of rows)
        needs.escrows.set(`${escrow.toString('hex')}/${epoch}`, { escrow, epoch: Number(epoch) });
}

async function lockEscrows(client: pg.Client, { escrows }: Needs): Promise<void> {
    // The first bytes of a hash: two escrows that share them only wait for each other needlessly.
    const keys = [...escrows.values()].map(({ escrow }) => escrow.readBigInt64BE(0));
    keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    await client.query({
        name: 'lock escrows',
        text: 'SELECT pg_advisory_xact_lock(key) FROM unnest($1::int8[]) AS key',
        values: [int8Array(keys)],
    });
}

async function loadStreams(client: pg.Client, { escrows }: Needs): Promise<StreamRow[]> {
    const ids = [...escrows.values()];
    const { rows } = await client.query<StreamRow>({
        name: 'load streams',
        text: `SELECT ${prefixed('s', loadedStreamColumns)}
            FROM unnest($1::bytea[], $2::int8[]) AS k (escrow, epoch)
            JOIN dispatch_streams s ON s.escrow = k.escrow AND s.epoch = k.epoch`,
        values: [byteaArray(ids.map(({ escrow }) => escrow)), int8Array(ids.map(({ epoch }) => epoch))],
    });
    return rows;
}

async function loadRequests(client: pg.Client, { requestIds }: Needs): Promise<LoadedRequestRow[]> {
    if (requestIds.size === 0) return [];
    const { rows } = await client.query<LoadedRequestRow>({
        name: 'load requests',
        text: `SELECT ${prefixed('q', loadedRequestColumns)}
            FROM unnest($1::bytea[]) AS k (request_id) JOIN dispatch_requests q ON q.request_id = k.request_id`,
        values: [byteaArray([...requestIds.values()])],
    });
    return rows;
}

async function putRequests(client: pg.Client, set: WorkingSet, rows: readonly LoadedRequestRow[]): Promise<void> {
    const strangers = rows.filter(({ stream_id }) => !set.streamWithId(stream_id)).map(({ stream_id }) => stream_id);
    if (strangers.length > 0) await loadStrangers(client, set, strangers);
    for (const row of rows) set.putRequest(loadedRequest(row, set.streamWithId(row.stream_id)!));
}

/** Streams of requests that were named together with another escrow: the rules refuse those, and change nothing. */
async function loadStrangers(client: pg.Client, set: WorkingSet, ids: readonly bigint[]): Promise<void> {
    const { rows } = await client.query<StreamRow>(
        `SELECT ${loadedStreamColumns} FROM dispatch_streams WHERE id = ANY($1::int8[])`,
        [int8Array(ids)],
    );
    for (const row of rows) set.put(loadedStream(row));
}

async function loadOpenRequests(client: pg.Client, set: WorkingSet, operation: Operation): Promise<void> {
    if (operation.kind !== 'lose' && operation.kind !== 'release') return;
    const [column, value] =
        operation.kind === 'lose'
            ? ['dispatcher_id', operation.dispatcherId]
            : ['stream_id', set.stream(operation.stream)?.id ?? -1n];
    const { rows } = await client.query<LoadedRequestRow>(
        `SELECT ${loadedRequestColumns} FROM dispatch_requests WHERE state IN ('running', 'lost') AND ${column} = $1`,
        [value],
    );
    // A request that came after its escrow was looked for is not locked: it is not one of those that were meant.
    await putRequests(
        client,
        set,
        rows.filter(({ stream_id }) => set.streamWithId(stream_id)),
    );
}

/** What a late receipt is compared with; see SqliteLoader. */
async function loadLateNeighbours(client: pg.Client, set: WorkingSet, operations: readonly Operation[]): Promise<void> {
    const late = operations.flatMap((operation): { stream: StreamState; sequence: number }[] => {
        if (operation.kind !== 'receipt') return [];
        const { escrow, epoch, receipt } = operation.record;
        const stream = set.stream({ escrow, epoch, nodeKey: receipt.nodeKey });
        if (!stream?.loadedLatest || receipt.sequence > stream.loadedLatest.sequence) return [];
        return [{ stream, sequence: receipt.sequence }];
    });
    if (late.length === 0) return;
    const near = (condition: string, order: string, limit: number) =>
        `(SELECT * FROM dispatch_receipts r WHERE r.stream_id = k.stream_id AND r.sequence ${condition} k.sequence
          ORDER BY r.sequence ${order} LIMIT ${limit})`;
    const { rows } = await client.query<LoadedReceiptRow>({
        name: 'load neighbours',
        text: `SELECT ${prefixed('n', loadedReceiptColumns)}
            FROM unnest($1::int8[], $2::int8[]) AS k (stream_id, sequence)
            CROSS JOIN LATERAL (${near('<=', 'DESC', 2)} UNION ALL ${near('>', 'ASC', 1)}) n`,
        values: [int8Array(late.map(({ stream }) => stream.id)), int8Array(late.map(({ sequence }) => sequence))],
    });
    for (const row of rows) set.noteReceipt(set.streamWithId(row.stream_id)!, loadedReceipt(row));
}

function prefixed(alias: string, columns: string): string {
    return columns.replace(/\w+/g, (column) => `${alias}.${column}`);
}
