import { type Database, Query } from '../database';
import type { Sql, SqlValue } from '../dispatch/sql';

/** Statements are prepared once for each text. */
export class SqliteSql implements Sql {
    readonly dialect = 'sqlite';
    private readonly prepared = new Map<string, Query<unknown>>();

    constructor(private readonly database: Database) {}

    all<Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
        return attempt(() => this.query(text).all(...values) as Row[]);
    }

    run(text: string, values: readonly SqlValue[] = []): Promise<number> {
        return attempt(() => this.query(text).run(...values));
    }

    private query(text: string): Query<unknown> {
        let query = this.prepared.get(text);
        if (!query) this.prepared.set(text, (query = new Query(this.database, text)));
        return query;
    }
}

async function attempt<T>(act: () => T): Promise<T> {
    return act();
}
