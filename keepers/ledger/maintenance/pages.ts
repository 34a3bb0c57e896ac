import type { Sql, SqlValue } from '../dispatch/sql';

export type Row = Record<string, SqlValue>;

const pageRows = 1_000;

/** All rows in the order of a unique key, a page at a time, so that memory stays flat. */
export async function* pagesOf(
    sql: Sql,
    { name, key }: { name: string; key: readonly string[] },
): AsyncIterable<Row[]> {
    const columns = key.join(', ');
    let after: SqlValue[] | null = null;
    for (;;) {
        const where: string = after === null ? '' : `WHERE (${columns}) > (${key.map(() => '?').join(', ')})`;
        const rows: Row[] = await sql.all<Row>(
            `SELECT * FROM ${name} ${where} ORDER BY ${columns} LIMIT ${pageRows}`,
            after ?? [],
        );
        if (rows.length === 0) return;
        yield rows;
        after = key.map((column) => asValue(rows.at(-1)![column]!));
    }
}

/** Drivers give bytes as Uint8Array; as a value they must be a Buffer. */
export function asValue(value: SqlValue | Uint8Array): SqlValue {
    if (!(value instanceof Uint8Array)) return value;
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
