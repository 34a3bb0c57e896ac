import { type Database, Query } from '../database';
import { type Change, changes, insertInto, integer, newStreamColumns } from '../dispatch/changes';
import type { StreamState } from '../dispatch/states';
import type { WorkingSet } from '../dispatch/working-set';
import { PackedRows } from './packed-rows';
import type { PackedChange } from './writer-thread';

const insertStreams: Change<StreamState> = {
    name: 'insert streams',
    columns: [integer('id', ({ id }) => id), ...newStreamColumns],
    rowsIn: (set) => set.newStreams,
    text: insertInto('dispatch_streams'),
};

const packedChanges = [insertStreams as Change<unknown>, ...changes].map(({ columns, rowsIn, text }) => {
    const packed = new PackedRows(columns);
    return { rowsIn, packed, text: text(columns.map(({ name }) => name).join(', '), packed.table) };
});

/** Makes of what a working set has changed what the writing thread runs. */
export class SqliteSaver {
    /** For a connection with `row_numbers`. */
    readonly statements: readonly string[] = packedChanges.map(({ text }) => text);
    private readonly lastStreamId: Query<{ id: bigint }>;

    constructor(reading: Database) {
        this.lastStreamId = new Query(reading, 'SELECT coalesce(max(id), 0) AS id FROM dispatch_streams');
    }

    changesIn(set: WorkingSet): PackedChange[] {
        set.numberNewStreams(() => this.lastStreamId.get()!.id);
        return packedChanges.flatMap(({ rowsIn, packed }, i) =>
            [...packed.pack(rowsIn(set))].map((values): PackedChange => [i, values]),
        );
    }
}
