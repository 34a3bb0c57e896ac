import { DatabaseSync } from '@photostructure/sqlite';
import { Query } from '../../../keepers/ledger/database';
import type { Column } from '../../../keepers/ledger/dispatch/changes';
import { mostPackedRows, PackedRows, rowNumbersTable } from '../../../keepers/ledger/sqlite/packed-rows';

interface Row {
    amount: bigint;
    count: number;
    place: number | null;
    key: Buffer;
    hash: Buffer | null;
    note: string | null;
}

const columns: Column<Row>[] = [
    { name: 'amount', type: 'integer', length: 0, nullable: false, of: ({ amount }) => amount },
    { name: 'note', type: 'text', length: 0, nullable: true, of: ({ note }) => note },
    { name: 'count', type: 'integer', length: 0, nullable: false, of: ({ count }) => count },
    { name: 'key', type: 'bytes', length: 4, nullable: false, of: ({ key }) => key },
    { name: 'place', type: 'integer', length: 0, nullable: true, of: ({ place }) => place },
    { name: 'hash', type: 'bytes', length: 2, nullable: true, of: ({ hash }) => hash },
];

const packed = new PackedRows(columns);
const database = new DatabaseSync(':memory:');
database.exec(`${rowNumbersTable}; CREATE TABLE t (amount INTEGER NOT NULL, count INTEGER NOT NULL, place INTEGER,
    key BLOB NOT NULL, hash BLOB, note TEXT) STRICT`);
const insert = new Query(
    database,
    `INSERT INTO t (amount, count, place, key, hash, note) SELECT amount, count, place, key, hash, note FROM ${packed.table}`,
);
const all = new Query<{
    amount: bigint;
    count: bigint;
    place: bigint | null;
    key: Uint8Array;
    hash: Uint8Array | null;
}>(database, 'SELECT * FROM t ORDER BY amount, count');

function row(fields: Partial<Row>): Row {
    return { amount: 0n, count: 0, place: null, key: Buffer.from('keys'), hash: null, note: null, ...fields };
}

/** Through SQLite and back. @returns rows in the order of their amounts, and how many statements it took */
function stored(rows: Row[]): { statements: number; rows: unknown[] } {
    database.exec('DELETE FROM t');
    const runs = [...packed.pack(rows)];
    for (const values of runs) insert.run(...values);
    return { statements: runs.length, rows: all.all().map((each) => ({ ...each })) };
}

/** As SQLite gives it back. */
function read({ count, place, key, hash, ...rest }: Row): unknown {
    return {
        ...rest,
        count: BigInt(count),
        place: place === null ? null : BigInt(place),
        key: new Uint8Array(key),
        hash: hash === null ? null : new Uint8Array(hash),
    };
}

afterAll(() => database.close());

describe('rows packed into one parameter', () => {
    it('keep every integer that SQLite can hold', () => {
        const max = (1n << 63n) - 1n;
        const amounts = [-max - 1n, -max, -1n, 0n, 9n, 999_999_999n, 1_000_000_000n, (1n << 53n) - 1n, 1n << 53n, max];
        const rows = amounts.map((amount) => row({ amount }));
        expect(stored(rows)).toEqual({ statements: 1, rows: rows.map(read) });
        const counts = [-1, 0, 123_456_789_012, Number.MAX_SAFE_INTEGER].map((count) => row({ count }));
        expect(stored(counts).rows).toEqual(counts.map(read));
    });

    it('keep bytes of any value, and tell zeros from null', () => {
        const rows = [
            row({ amount: 1n, key: Buffer.alloc(4), hash: Buffer.alloc(2), place: 0 }),
            row({ amount: 2n, key: Buffer.from('00ff7f80', 'hex'), hash: Buffer.from('2d31', 'hex'), place: 7 }),
            row({ amount: 3n }),
        ];
        expect(stored(rows).rows).toEqual(rows.map(read));
    });

    it('take a statement for each text and each pattern of nulls, whatever their order', () => {
        const notes = ['a', null, '', 'ü', 'a', null];
        const rows = notes.map((note, i) => row({ amount: BigInt(i), note, place: i === 4 ? 1 : null }));
        expect(stored(rows)).toEqual({ statements: 5, rows: rows.map(read) });
    });

    it('take another statement for what is more than one reads', () => {
        const rows = Array.from({ length: mostPackedRows + 1 }, (_, i) => row({ amount: BigInt(i) }));
        expect(stored(rows)).toEqual({ statements: 2, rows: rows.map(read) });
        expect(stored([])).toEqual({ statements: 0, rows: [] });
    });

    it.each([1n << 63n, -(1n << 63n) - 1n, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])(
        'refuse %s, for which SQLite would take another integer',
        (value) => {
            const columnsOfOne = [{ ...columns[0]!, of: () => value }];
            expect(() => [...new PackedRows(columnsOfOne).pack([row({})])]).toThrow(
                'amount must be an integer of 64 bits',
            );
        },
    );

    it.each([null, undefined, '7', true, []])('refuse %p where an integer has to be', (value) => {
        const columnsOfOne = [{ ...columns[0]!, of: () => value as unknown as bigint }];
        expect(() => [...new PackedRows(columnsOfOne).pack([row({})])]).toThrow('amount must be an integer');
    });

    it('refuse bytes of another length, which would run into their neighbours', () => {
        expect(() => stored([row({ key: Buffer.from('long one') })])).toThrow('key must have 4 bytes, has 8');
    });
});
