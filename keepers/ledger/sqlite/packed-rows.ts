import type { SqlValue } from '../database';
import type { Column } from '../dispatch/changes';

/** Rows that one statement takes at most: the length of `row_numbers`. */
export const mostPackedRows = 512;

/** For the connection whose statements read packed rows. */
export const rowNumbersTable = `
PRAGMA temp_store = MEMORY;
CREATE TEMP TABLE row_numbers (n INTEGER PRIMARY KEY);
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < ${mostPackedRows - 1})
    INSERT INTO row_numbers SELECT n FROM counted;
`;

/** 2^63 has 19, and there may be a sign. */
const digits = 20;
const lowDigits = 9;
const lowUnit = 10 ** lowDigits;

/** Parameters before those of columns: the rows' bytes, and how many rows they are. */
const firstParameters = 2;

interface Alike<Row> {
    constants: SqlValue[];
    rows: Row[];
}

/**
 * Many rows as one parameter, since each value that crosses to the database by itself costs more than what the database
 * does with it. A row has a fixed length: bytes as they are, integers as decimal digits, which SQLite can read out of
 * bytes. What has no fixed length, texts and whether a value is null, is a parameter that rows share.
 */
export class PackedRows<Row> {
    /** To be read from in a statement. */
    readonly table: string;
    private readonly rowBytes: number;
    private readonly fixed: readonly Fixed<Row>[];
    private readonly shared: readonly Column<Row>[];

    constructor(columns: readonly Column<Row>[]) {
        this.shared = columns.filter(({ type, nullable }) => type === 'text' || nullable);
        this.fixed = placed(columns, this.shared);
        this.rowBytes = this.fixed.reduce((sum, { bytes }) => sum + bytes, 0);
        const values = columns.map((column) => `${this.expression(column)} AS ${column.name}`);
        this.table = `(SELECT ${values.join(', ')} FROM temp.row_numbers WHERE n < ?2) AS v`;
    }

    /** Parameters of the statement, once for each time that it must run. */
    *pack(rows: Iterable<Row>): Iterable<SqlValue[]> {
        for (const { constants, rows: alike } of this.alike(rows))
            for (let from = 0; from < alike.length; from += mostPackedRows) {
                const some = alike.slice(from, from + mostPackedRows);
                yield [this.bytesOf(some, constants), BigInt(some.length), ...constants];
            }
    }

    private expression(column: Column<Row>): string {
        const parameter = `?${firstParameters + 1 + this.shared.indexOf(column)}`;
        if (column.type === 'text') return parameter;
        const { offset, bytes } = this.fixed.find(({ name }) => name === column.name)!;
        const part = `substr(?1, n * ${this.rowBytes} + ${offset + 1}, ${bytes})`;
        const value = column.type === 'integer' ? `CAST(${part} AS INTEGER)` : part;
        return column.nullable ? `iif(${parameter}, NULL, ${value})` : value;
    }

    /** Rows with the same texts and nulls. */
    private alike(rows: Iterable<Row>): Alike<Row>[] {
        const groups: Alike<Row>[] = [];
        for (const row of rows) {
            let group = groups.find(({ constants }) => this.shares(row, constants));
            if (!group)
                groups.push((group = { constants: this.shared.map((column) => constantOf(column, row)), rows: [] }));
            group.rows.push(row);
        }
        return groups;
    }

    private shares(row: Row, constants: readonly SqlValue[]): boolean {
        for (let i = 0; i < constants.length; i++) if (constantOf(this.shared[i]!, row) !== constants[i]) return false;
        return true;
    }

    private bytesOf(rows: readonly Row[], constants: readonly SqlValue[]): Buffer {
        const present = this.fixed.filter(({ nullAt }) => constants[nullAt] !== 1n);
        const packed = Buffer.allocUnsafe(rows.length * this.rowBytes);
        let at = 0;
        for (const row of rows) {
            for (const { of, write, offset } of present) write(packed, of(row)!, at + offset);
            at += this.rowBytes;
        }
        return packed;
    }
}

type Value = bigint | number | string | Buffer;
type Write = (packed: Buffer, value: Value, at: number) => void;

/** A column with its place in a row's bytes. */
interface Fixed<Row> {
    name: string;
    of: (row: Row) => Value | null;
    write: Write;
    offset: number;
    bytes: number;
    /** Which of the shared values is 1 where this one is null; -1: it never is. */
    nullAt: number;
}

function placed<Row>(columns: readonly Column<Row>[], shared: readonly Column<Row>[]): Fixed<Row>[] {
    let end = 0;
    return columns
        .filter(({ type }) => type !== 'text')
        .map((column) => {
            const { name, of, type, length } = column;
            const [bytes, write] = type === 'integer' ? [digits, integerWriter(name)] : [length, bytesWriter(column)];
            const offset = end;
            end += bytes;
            return { name, of, write, offset, bytes, nullAt: shared.indexOf(column) };
        });
}

function constantOf<Row>({ type, of }: Column<Row>, row: Row): SqlValue {
    const value = of(row);
    if (type === 'text') return value;
    return value === null ? 1n : 0n;
}

function bytesWriter({ name, length }: Pick<Column<never>, 'name' | 'length'>): Write {
    return (packed, value, at) => {
        const bytes = value as Buffer;
        // Of another length it would run into its neighbours.
        if (bytes.length !== length) throw new RangeError(`${name} must have ${length} bytes, has ${bytes.length}`);
        packed.set(bytes, at);
    };
}

function integerWriter(name: string): Write {
    return (packed, value, at) => {
        // Number() would make 0 of null.
        if (typeof value !== 'bigint' && typeof value !== 'number') throw new TypeError(`${name} must be an integer`);
        const number = Number(value);
        if (number < 0 || !Number.isSafeInteger(number)) {
            packed.write(digitsOf(name, value), at, 'latin1');
            return;
        }
        const high = Math.floor(number / lowUnit);
        const lowAt = at + digits - lowDigits;
        writeDigitsOf(packed, high, { from: at, to: lowAt });
        writeDigitsOf(packed, number - high * lowUnit, { from: lowAt, to: at + digits });
    };
}

/** Of one that is negative, or too large for a number. */
function digitsOf(name: string, value: bigint | number): string {
    // SQLite would take the next best one.
    if (!isStorable(value)) throw new RangeError(`${name} must be an integer of 64 bits, is ${value}`);
    const text = value < 0 ? `-${(-BigInt(value)).toString().padStart(digits - 1, '0')}` : value.toString();
    return text.padStart(digits, '0');
}

function isStorable(value: bigint | number): boolean {
    return typeof value === 'number' ? Number.isSafeInteger(value) : BigInt.asIntN(64, value) === value;
}

/** Of a number below 2^31. */
function writeDigitsOf(packed: Buffer, number: number, { from, to }: { from: number; to: number }): void {
    let rest = number | 0;
    for (let at = to - 1; at >= from; at--) {
        const tenth = (rest / 10) | 0;
        packed[at] = 48 + rest - tenth * 10;
        rest = tenth;
    }
}
