import type pg from 'pg';
import { type Change, changes, type Column, insertInto, newStreamColumns } from '../dispatch/changes';
import type { StreamState } from '../dispatch/states';
import type { WorkingSet } from '../dispatch/working-set';
import { byteaArray, int8Array, textArray } from './arrays';

const types = { integer: 'int8', bytes: 'bytea', text: 'text' };

const encoders = { integer: int8Array, bytes: byteaArray, text: textArray } as Record<
    Column<never>['type'],
    (values: unknown[]) => Buffer
>;

/** Its rows are parameters, an array for each column. */
class Bulk<Row> {
    private readonly name: string;
    private readonly columns: readonly Column<Row>[];
    private readonly text: string;

    constructor({ name, columns, text }: Omit<Change<Row>, 'rowsIn'>) {
        this.name = name;
        this.columns = columns;
        const names = columns.map((column) => column.name).join(', ');
        const arrays = columns.map(({ type }, i) => `$${i + 1}::${types[type]}[]`).join(', ');
        this.text = text(names, `unnest(${arrays}) AS v (${names})`);
    }

    async run<Result extends pg.QueryResultRow>(client: pg.Client, rows: Iterable<Row>): Promise<Result[]> {
        const all = [...rows];
        if (all.length === 0) return [];
        const values = this.columns.map(({ type, of }) => encoders[type](all.map(of)));
        return (await client.query<Result>({ name: this.name, text: this.text, values })).rows;
    }
}

const insertStreams = new Bulk<StreamState>({
    name: 'insert streams',
    columns: newStreamColumns,
    text: insertInto('dispatch_streams', 'RETURNING id, escrow, epoch, node_key'),
});

const bulks = changes.map((change) => ({ rowsIn: change.rowsIn, bulk: new Bulk(change) }));

/** Writes what a working set has changed; the statements go out together, but the server takes them in order. */
export async function saveBatch(client: pg.Client, set: WorkingSet): Promise<void> {
    await saveNewStreams(client, set);
    await Promise.all(bulks.map(({ rowsIn, bulk }) => bulk.run(client, rowsIn(set))));
}

async function saveNewStreams(client: pg.Client, set: WorkingSet): Promise<void> {
    const rows = await insertStreams.run<{ id: bigint; escrow: Buffer; epoch: bigint; node_key: Buffer }>(
        client,
        set.newStreams,
    );
    for (const { id, escrow, epoch, node_key: nodeKey } of rows)
        set.stream({ escrow, epoch: Number(epoch), nodeKey })!.id = id;
}
