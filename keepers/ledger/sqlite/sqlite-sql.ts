import { type Database, Query } from '../database';
import type { Sql, SqlValue } from '../dispatch/sql';

/** Statements are prepared once for each text. */
export class SqliteSql implements Sql {
    readonly dialect = 'sqlite';
    private readonly prepared = new Map<string, Query<unknown>>();

    /** @param afterRead to be awaited before an answer is given */
    constructor(
        private readonly database: Database,
        private readonly afterRead?: () => Promise<void>,
    ) {}

    async all<Row>(text: string, values: readonly SqlValue[] = []): Promise<Row[]> {
        const rows = this.query(text).all(...values) as Row[];
        await this.afterRead?.();
        return rows;
    }

    async run(text: string, values: readonly SqlValue[] = []): Promise<number> {
        return this.query(text).run(...values);
    }

    private query(text: string): Query<unknown> {
        let query = this.prepared.get(text);
        if (!query) this.prepared.set(text, (query = new Query(this.database, text)));
        return query;
    }
}
