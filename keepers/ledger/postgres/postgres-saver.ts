import type pg from 'pg';
import type { RequestState, StreamState } from '../dispatch/states';
import type { WorkingSet } from '../dispatch/working-set';
import { byteaArray, int8Array, textArray } from './arrays';

/** One value of each row, as an array parameter. */
interface Column<Row> {
    name: string;
    type: 'int8' | 'bytea' | 'text';
    of: (row: Row) => bigint | number | string | Buffer | null;
}

const int8 = <Row>(name: string, of: (row: Row) => bigint | number | null): Column<Row> => ({ name, type: 'int8', of });
const bytea = <Row>(name: string, of: (row: Row) => Buffer | null): Column<Row> => ({ name, type: 'bytea', of });
const text = <Row>(name: string, of: (row: Row) => string | null): Column<Row> => ({ name, type: 'text', of });

const encoders = { int8: int8Array, bytea: byteaArray, text: textArray } as Record<
    Column<never>['type'],
    (values: unknown[]) => Buffer
>;

/** A statement over many rows at once. `rows` in its text stands for them, with the columns' names. */
class Bulk<Row> {
    private readonly text: string;

    constructor(
        private readonly name: string,
        private readonly columns: Column<Row>[],
        text: (names: string, rows: string) => string,
    ) {
        const names = columns.map((column) => column.name).join(', ');
        const arrays = columns.map(({ type }, i) => `$${i + 1}::${type}[]`).join(', ');
        this.text = text(names, `unnest(${arrays}) AS v (${names})`);
    }

    async run<Result extends pg.QueryResultRow>(client: pg.Client, rows: Iterable<Row>): Promise<Result[]> {
        const all = [...rows];
        if (all.length === 0) return [];
        const values = this.columns.map(({ type, of }) => encoders[type](all.map(of)));
        return (await client.query<Result>({ name: this.name, text: this.text, values })).rows;
    }
}

const insertInto =
    (table: string, rest = '') =>
    (names: string, rows: string) =>
        `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${rows} ${rest}`;

const streamSums: Column<StreamState>[] = [
    int8('latest_sequence', ({ latestSequence }) => latestSequence),
    int8('latest_cumulative_nano', ({ latestCumulativeNano }) => latestCumulativeNano),
    int8('open_worst_nano', ({ openWorstNano }) => openWorstNano),
    int8('paid_nano', ({ paidNano }) => paidNano),
];

const insertStreams = new Bulk<StreamState>(
    'insert streams',
    [
        bytea('escrow', ({ escrow }) => escrow),
        int8('epoch', ({ epoch }) => epoch),
        bytea('node_key', ({ nodeKey }) => nodeKey),
        ...streamSums,
    ],
    insertInto('dispatch_streams', 'RETURNING id, escrow, epoch, node_key'),
);

const updateStreams = new Bulk<StreamState>(
    'update streams',
    [int8('id', ({ id }) => id), ...streamSums],
    (_names, rows) =>
        `UPDATE dispatch_streams s SET latest_sequence = v.latest_sequence,
         latest_cumulative_nano = v.latest_cumulative_nano, open_worst_nano = v.open_worst_nano, paid_nano = v.paid_nano
         FROM ${rows} WHERE s.id = v.id`,
);

const requestState: Column<RequestState>[] = [
    bytea('request_id', ({ requestId }) => requestId),
    int8('worst_case_nano', ({ worstCaseNano }) => worstCaseNano),
    int8('signed_nano', ({ signedNano }) => signedNano),
    int8('allowance_nano', ({ allowanceNano }) => allowanceNano),
    text('state', ({ state }) => state),
    text('failure_code', ({ failureCode }) => failureCode),
    int8('closed_at_ms', ({ closedAtMs }) => closedAtMs),
    int8('final_sequence', ({ finalSequence }) => finalSequence),
    int8('checkpoint_sequence', ({ checkpointSequence }) => checkpointSequence),
    text('dispatcher_id', ({ dispatcherId }) => dispatcherId),
];

const insertRequests = new Bulk<RequestState>(
    'insert requests',
    [
        ...requestState,
        bytea('request_hash', ({ created }) => created!.requestHash),
        int8('stream_id', ({ stream }) => stream.id),
        bytea('session_key', ({ sessionKey }) => sessionKey),
        bytea('offer_hash', ({ created }) => created!.offerHash),
        int8('cap_nano', ({ capNano }) => capNano),
        bytea('cap_signature', ({ created, raisedCap }) => raisedCap?.signature ?? created!.capSignature),
        bytea('cap_hash', ({ raisedCap }) => raisedCap?.hash ?? null),
        int8('recorded_at_ms', ({ created }) => created!.recordedAtMs),
    ],
    insertInto('dispatch_requests'),
);

const updateRequests = new Bulk<RequestState>('update requests', requestState, (_names, rows) => {
    const changed = requestState.slice(1).map(({ name }) => `${name} = v.${name}`);
    return `UPDATE dispatch_requests q SET ${changed.join(', ')} FROM ${rows} WHERE q.request_id = v.request_id`;
});

const setCaps = new Bulk<RequestState>(
    'set caps',
    [
        bytea('request_id', ({ requestId }) => requestId),
        int8('cap_nano', ({ capNano }) => capNano),
        bytea('cap_hash', ({ raisedCap }) => raisedCap!.hash),
        bytea('cap_signature', ({ raisedCap }) => raisedCap!.signature),
    ],
    (_names, rows) =>
        `UPDATE dispatch_requests q SET cap_nano = v.cap_nano, cap_hash = v.cap_hash, cap_signature = v.cap_signature
         FROM ${rows} WHERE q.request_id = v.request_id`,
);

type BestCap = ReturnType<WorkingSet['allBestCaps']> extends Iterable<infer Cap> ? Cap : never;

const keepBestCaps = new Bulk<BestCap>(
    'keep best caps',
    [
        int8('stream_id', ({ stream }) => stream.id),
        bytea('session_key', ({ sessionKey }) => sessionKey),
        int8('cap_nano', ({ capNano }) => capNano),
        bytea('cap_hash', ({ capHash }) => capHash),
        bytea('cap_signature', ({ capSignature }) => capSignature),
    ],
    insertInto(
        'dispatch_caps',
        `ON CONFLICT (stream_id, session_key) DO UPDATE SET cap_nano = excluded.cap_nano, cap_hash = excluded.cap_hash,
         cap_signature = excluded.cap_signature WHERE excluded.cap_nano > dispatch_caps.cap_nano`,
    ),
);

type NewReceipt = WorkingSet['newReceipts'][number];

const insertReceipts = new Bulk<NewReceipt>(
    'insert receipts',
    [
        int8('stream_id', ({ stream }) => stream.id),
        int8('sequence', ({ record }) => record.receipt.sequence),
        bytea('request_id', ({ record }) => record.requestId),
        bytea('session_key', ({ record }) => record.receipt.sessionKey),
        int8('cost_nano', ({ record }) => record.receipt.costNano),
        int8('cumulative_nano', ({ record }) => record.receipt.cumulativeNano),
        bytea('reference', ({ record }) => record.receipt.reference),
        bytea('signature', ({ record }) => record.signature),
        bytea('usage_hash', ({ record }) => record.usageHash),
        bytea('transcript_hash', ({ record }) => record.transcriptHash),
        int8('final', ({ known }) => (known.final ? 1 : 0)),
        int8('received_at_ms', ({ record }) => record.receivedAtMs),
    ],
    insertInto('dispatch_receipts'),
);

const receiptId: Column<{ stream: StreamState; sequence: number }>[] = [
    int8('stream_id', ({ stream }) => stream.id),
    int8('sequence', ({ sequence }) => sequence),
];

const promote = new Bulk('promote receipts', receiptId, (_names, rows) => {
    const same = 'r.stream_id = v.stream_id AND r.sequence = v.sequence';
    return `UPDATE dispatch_receipts r SET final = 1 FROM ${rows} WHERE ${same}`;
});

const drop = new Bulk('drop checkpoints', receiptId, (_names, rows) => {
    const evidence = `SELECT 1 FROM dispatch_contradictions c
        WHERE c.stream_id = v.stream_id AND c.kept_sequence = v.sequence`;
    return `DELETE FROM dispatch_receipts r USING ${rows} WHERE r.stream_id = v.stream_id
        AND r.sequence = v.sequence AND r.final = 0 AND NOT EXISTS (${evidence})`;
});

const insertContradictions = new Bulk<WorkingSet['contradictions'][number]>(
    'insert contradictions',
    [
        int8('stream_id', ({ stream }) => stream.id),
        int8('kept_sequence', ({ keptSequence }) => keptSequence),
        bytea('session_key', ({ record }) => record.receipt.sessionKey),
        int8('sequence', ({ record }) => record.receipt.sequence),
        int8('cost_nano', ({ record }) => record.receipt.costNano),
        int8('cumulative_nano', ({ record }) => record.receipt.cumulativeNano),
        bytea('reference', ({ record }) => record.receipt.reference),
        bytea('signature', ({ record }) => record.signature),
        int8('received_at_ms', ({ record }) => record.receivedAtMs),
    ],
    insertInto('dispatch_contradictions', 'ON CONFLICT (stream_id, sequence, signature) DO NOTHING'),
);

const insertSettlements = new Bulk<WorkingSet['settlements'][number]>(
    'insert settlements',
    [
        int8('stream_id', ({ stream }) => stream.id),
        int8('paid_before_nano', ({ beforeNano }) => beforeNano),
        int8('paid_after_nano', ({ afterNano }) => afterNano),
        text('transaction_hash', ({ transactionHash }) => transactionHash),
        int8('observed_at_ms', ({ atMs }) => atMs),
    ],
    insertInto('dispatch_settlements'),
);

/** Writes what a working set has changed; the statements go out together, but the server takes them in order. */
export async function saveBatch(client: pg.Client, set: WorkingSet): Promise<void> {
    await saveNewStreams(client, set);
    await Promise.all([
        updateStreams.run(client, set.changedStreams),
        insertRequests.run(client, set.newRequests),
        updateRequests.run(client, set.changedRequests),
        setCaps.run(client, raised(set)),
        keepBestCaps.run(client, set.allBestCaps()),
        insertReceipts.run(client, set.newReceipts),
        promote.run(client, set.promoted),
        insertContradictions.run(client, set.contradictions),
        drop.run(client, set.dropped),
        insertSettlements.run(client, set.settlements),
    ]);
}

function raised(set: WorkingSet): RequestState[] {
    return set.changedRequests.filter(({ raisedCap }) => raisedCap !== null);
}

async function saveNewStreams(client: pg.Client, set: WorkingSet): Promise<void> {
    const rows = await insertStreams.run<{ id: bigint; escrow: Buffer; epoch: bigint; node_key: Buffer }>(
        client,
        set.newStreams,
    );
    for (const { id, escrow, epoch, node_key: nodeKey } of rows)
        set.stream({ escrow, epoch: Number(epoch), nodeKey })!.id = id;
}
