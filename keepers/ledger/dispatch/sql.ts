export type SqlValue = bigint | number | string | Buffer | null;

/**
 * Statements that run on both databases: `?` for values in order, integers come back as bigint, bytes as Buffer. What
 * is frequent has statements of its own for each database instead.
 */
export interface Sql {
    readonly dialect: 'sqlite' | 'postgres';
    all<Row>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
    /** Number of rows changed. */
    run(text: string, values?: readonly SqlValue[]): Promise<number>;
}
