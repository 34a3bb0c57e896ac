import type { BestCap, ReceiptOfStream, RequestState, StreamState } from './states';
import type { WorkingSet } from './working-set';

/** One value of each row that a statement is about. */
export interface Column<Row> {
    name: string;
    type: 'integer' | 'bytes' | 'text';
    /** Of bytes: each value has as many. */
    length: number;
    nullable: boolean;
    of: (row: Row) => bigint | number | string | Buffer | null;
}

type Of<Row, Value> = (row: Row) => Value;

export function integer<Row>(name: string, of: Of<Row, bigint | number>): Column<Row> {
    return { name, type: 'integer', length: 0, nullable: false, of };
}

function integerOrNull<Row>(name: string, of: Of<Row, number | null>): Column<Row> {
    return { name, type: 'integer', length: 0, nullable: true, of };
}

export function bytes<Row>(name: string, length: number, of: Of<Row, Buffer>): Column<Row> {
    return { name, type: 'bytes', length, nullable: false, of };
}

function bytesOrNull<Row>(name: string, length: number, of: Of<Row, Buffer | null>): Column<Row> {
    return { name, type: 'bytes', length, nullable: true, of };
}

function text<Row>(name: string, of: Of<Row, string | null>): Column<Row> {
    return { name, type: 'text', length: 0, nullable: true, of };
}

/**
 * A statement over all rows of a batch at once, the same for both databases, which differ in how rows become a table that
 * a statement can read.
 */
export interface Change<Row> {
    name: string;
    columns: readonly Column<Row>[];
    rowsIn: (set: WorkingSet) => Iterable<Row>;
    /** `rows` is a table named v, with the columns' names. */
    text: (names: string, rows: string) => string;
}

export const insertInto =
    (table: string, rest = '') =>
    (names: string, rows: string) =>
        `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${rows} ${rest}`;

const streamSums: Column<StreamState>[] = [
    integer('latest_sequence', ({ latestSequence }) => latestSequence),
    integer('latest_cumulative_nano', ({ latestCumulativeNano }) => latestCumulativeNano),
    integer('open_worst_nano', ({ openWorstNano }) => openWorstNano),
    integer('paid_nano', ({ paidNano }) => paidNano),
];

/** Who gives a new stream its id depends on the database. */
export const newStreamColumns: Column<StreamState>[] = [
    bytes('escrow', 32, ({ escrow }) => escrow),
    integer('epoch', ({ epoch }) => epoch),
    bytes('node_key', 32, ({ nodeKey }) => nodeKey),
    ...streamSums,
];

const updateStreams: Change<StreamState> = {
    name: 'update streams',
    columns: [integer('id', ({ id }) => id), ...streamSums],
    rowsIn: (set) => set.changedStreams,
    text: (_names, rows) =>
        `UPDATE dispatch_streams AS s SET latest_sequence = v.latest_sequence,
         latest_cumulative_nano = v.latest_cumulative_nano, open_worst_nano = v.open_worst_nano, paid_nano = v.paid_nano
         FROM ${rows} WHERE s.id = v.id`,
};

const requestState: Column<RequestState>[] = [
    bytes('request_id', 16, ({ requestId }) => requestId),
    integer('worst_case_nano', ({ worstCaseNano }) => worstCaseNano),
    integer('signed_nano', ({ signedNano }) => signedNano),
    integer('allowance_nano', ({ allowanceNano }) => allowanceNano),
    text('state', ({ state }) => state),
    text('failure_code', ({ failureCode }) => failureCode),
    integerOrNull('closed_at_ms', ({ closedAtMs }) => closedAtMs),
    integerOrNull('final_sequence', ({ finalSequence }) => finalSequence),
    integerOrNull('checkpoint_sequence', ({ checkpointSequence }) => checkpointSequence),
    text('dispatcher_id', ({ dispatcherId }) => dispatcherId),
];

const insertRequests: Change<RequestState> = {
    name: 'insert requests',
    columns: [
        ...requestState,
        bytes('request_hash', 32, ({ created }) => created!.requestHash),
        integer('stream_id', ({ stream }) => stream.id),
        bytes('session_key', 32, ({ sessionKey }) => sessionKey),
        bytes('offer_hash', 32, ({ created }) => created!.offerHash),
        integer('cap_nano', ({ capNano }) => capNano),
        bytes('cap_signature', 64, ({ created, raisedCap }) => raisedCap?.signature ?? created!.capSignature),
        bytesOrNull('cap_hash', 32, ({ raisedCap }) => raisedCap?.hash ?? null),
        integer('recorded_at_ms', ({ created }) => created!.recordedAtMs),
    ],
    rowsIn: (set) => set.newRequests,
    text: insertInto('dispatch_requests'),
};

const updateRequests: Change<RequestState> = {
    name: 'update requests',
    columns: requestState,
    rowsIn: (set) => set.changedRequests,
    text: (_names, rows) => {
        const changed = requestState.slice(1).map(({ name }) => `${name} = v.${name}`);
        return `UPDATE dispatch_requests AS q SET ${changed.join(', ')} FROM ${rows} WHERE q.request_id = v.request_id`;
    },
};

const setCaps: Change<RequestState> = {
    name: 'set caps',
    columns: [
        bytes('request_id', 16, ({ requestId }) => requestId),
        integer('cap_nano', ({ capNano }) => capNano),
        bytes('cap_hash', 32, ({ raisedCap }) => raisedCap!.hash),
        bytes('cap_signature', 64, ({ raisedCap }) => raisedCap!.signature),
    ],
    rowsIn: (set) => set.changedRequests.filter(({ raisedCap }) => raisedCap !== null),
    text: (_names, rows) =>
        `UPDATE dispatch_requests AS q SET cap_nano = v.cap_nano, cap_hash = v.cap_hash,
         cap_signature = v.cap_signature FROM ${rows} WHERE q.request_id = v.request_id`,
};

const keepBestCaps: Change<BestCap> = {
    name: 'keep best caps',
    columns: [
        integer('stream_id', ({ stream }) => stream.id),
        bytes('session_key', 32, ({ sessionKey }) => sessionKey),
        integer('cap_nano', ({ capNano }) => capNano),
        bytes('cap_hash', 32, ({ capHash }) => capHash),
        bytes('cap_signature', 64, ({ capSignature }) => capSignature),
    ],
    rowsIn: (set) => set.allBestCaps(),
    text: insertInto(
        'dispatch_caps',
        // SQLite would take ON for a join's.
        `WHERE true ON CONFLICT (stream_id, session_key) DO UPDATE SET cap_nano = excluded.cap_nano,
         cap_hash = excluded.cap_hash, cap_signature = excluded.cap_signature
         WHERE excluded.cap_nano > dispatch_caps.cap_nano`,
    ),
};

const insertReceipts: Change<ReceiptOfStream> = {
    name: 'insert receipts',
    columns: [
        integer('stream_id', ({ stream }) => stream.id),
        integer('sequence', ({ record }) => record.receipt.sequence),
        bytesOrNull('request_id', 16, ({ record }) => record.requestId),
        bytes('session_key', 32, ({ record }) => record.receipt.sessionKey),
        integer('cost_nano', ({ record }) => record.receipt.costNano),
        integer('cumulative_nano', ({ record }) => record.receipt.cumulativeNano),
        bytes('reference', 32, ({ record }) => record.receipt.reference),
        bytes('signature', 64, ({ record }) => record.signature),
        bytes('usage_hash', 32, ({ record }) => record.usageHash),
        bytes('transcript_hash', 32, ({ record }) => record.transcriptHash),
        integer('final', ({ known }) => (known.final ? 1 : 0)),
        integer('received_at_ms', ({ record }) => record.receivedAtMs),
    ],
    rowsIn: (set) => set.newReceipts,
    text: insertInto('dispatch_receipts'),
};

const receiptId: Column<{ stream: StreamState; sequence: number }>[] = [
    integer('stream_id', ({ stream }) => stream.id),
    integer('sequence', ({ sequence }) => sequence),
];

const promoteReceipts: Change<{ stream: StreamState; sequence: number }> = {
    name: 'promote receipts',
    columns: receiptId,
    rowsIn: (set) => set.promoted,
    text: (_names, rows) =>
        `UPDATE dispatch_receipts AS r SET final = 1 FROM ${rows}
         WHERE r.stream_id = v.stream_id AND r.sequence = v.sequence`,
};

const insertContradictions: Change<WorkingSet['contradictions'][number]> = {
    name: 'insert contradictions',
    columns: [
        integer('stream_id', ({ stream }) => stream.id),
        integer('kept_sequence', ({ keptSequence }) => keptSequence),
        bytes('session_key', 32, ({ record }) => record.receipt.sessionKey),
        integer('sequence', ({ record }) => record.receipt.sequence),
        integer('cost_nano', ({ record }) => record.receipt.costNano),
        integer('cumulative_nano', ({ record }) => record.receipt.cumulativeNano),
        bytes('reference', 32, ({ record }) => record.receipt.reference),
        bytes('signature', 64, ({ record }) => record.signature),
        integer('received_at_ms', ({ record }) => record.receivedAtMs),
    ],
    rowsIn: (set) => set.contradictions,
    text: insertInto('dispatch_contradictions', 'WHERE true ON CONFLICT (stream_id, sequence, signature) DO NOTHING'),
};

const dropCheckpoints: Change<{ stream: StreamState; sequence: number }> = {
    name: 'drop checkpoints',
    columns: receiptId,
    rowsIn: (set) => set.dropped,
    text: (names, rows) =>
        `DELETE FROM dispatch_receipts WHERE (stream_id, sequence) IN (SELECT ${names} FROM ${rows}) AND final = 0
         AND NOT EXISTS (SELECT 1 FROM dispatch_contradictions c
             WHERE c.stream_id = dispatch_receipts.stream_id AND c.kept_sequence = dispatch_receipts.sequence)`,
};

const insertSettlements: Change<WorkingSet['settlements'][number]> = {
    name: 'insert settlements',
    columns: [
        integer('stream_id', ({ stream }) => stream.id),
        integer('paid_before_nano', ({ beforeNano }) => beforeNano),
        integer('paid_after_nano', ({ afterNano }) => afterNano),
        text('transaction_hash', ({ transactionHash }) => transactionHash),
        integer('observed_at_ms', ({ atMs }) => atMs),
    ],
    rowsIn: (set) => set.settlements,
    text: insertInto('dispatch_settlements'),
};

/** What a working set has changed, in the order in which it is to be written; new streams come before all of it. */
export const changes = [
    updateStreams,
    insertRequests,
    updateRequests,
    setCaps,
    keepBestCaps,
    insertReceipts,
    promoteReceipts,
    insertContradictions,
    dropCheckpoints,
    insertSettlements,
] as readonly unknown[] as readonly Change<unknown>[];
