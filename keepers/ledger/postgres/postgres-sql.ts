import type { Sql, SqlValue } from '../dispatch/sql';

/** Anything of the driver that takes a statement. */
export interface Queryable {
    query(text: string, values: SqlValue[]): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

/** The same statements as for SQLite: its `?` become `$1`, `$2`. */
export class PostgresSql implements Sql {
    readonly dialect = 'postgres';

    constructor(private readonly client: Queryable) {}

    async all<Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
        return (await this.client.query(numbered(text), [...values])).rows as Row[];
    }

    async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
        return (await this.client.query(numbered(text), [...values])).rowCount ?? 0;
    }
}

const known = new Map<string, string>();

function numbered(text: string): string {
    let result = known.get(text);
    if (result === undefined) {
        let n = 0;
        result = text.replace(/\?/g, () => `$${++n}`);
        known.set(text, result);
    }
    return result;
}
