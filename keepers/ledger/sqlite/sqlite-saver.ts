import { type Database, Query } from '../database';
import { changes } from '../dispatch/changes';
import type { WorkingSet } from '../dispatch/working-set';
import { PackedRows } from './packed-rows';

/** Of a connection with `row_numbers`: writes what a working set has changed. */
export class SqliteSaver {
    private readonly insertStream: Query;
    private readonly changes: {
        rowsIn: (set: WorkingSet) => Iterable<unknown>;
        rows: PackedRows<unknown>;
        query: Query;
    }[];

    constructor(database: Database) {
        this.insertStream = new Query(
            database,
            `INSERT INTO dispatch_streams (escrow, epoch, node_key, latest_sequence, latest_cumulative_nano,
             open_worst_nano, paid_nano) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        );
        this.changes = changes.map(({ columns, rowsIn, text }) => {
            const rows = new PackedRows(columns);
            const query = new Query(database, text(columns.map(({ name }) => name).join(', '), rows.table));
            return { rowsIn, rows, query };
        });
    }

    save(set: WorkingSet): void {
        this.saveNewStreams(set);
        for (const { rowsIn, rows, query } of this.changes)
            for (const values of rows.pack(rowsIn(set))) query.run(...values);
    }

    /** One by one: they are few, and the database gives each its id, which other rows of the batch name. */
    private saveNewStreams(set: WorkingSet): void {
        for (const stream of set.newStreams)
            stream.id = this.insertStream.insert(
                stream.escrow,
                stream.epoch,
                stream.nodeKey,
                stream.latestSequence,
                stream.latestCumulativeNano,
                stream.openWorstNano,
                stream.paidNano,
            );
    }
}
