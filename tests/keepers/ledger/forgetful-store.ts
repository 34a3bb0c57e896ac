import { type Database, type DatabaseOptions, openDatabase, Query } from '../../../keepers/ledger/database';
import type { Operation } from '../../../keepers/ledger/dispatch/operations';
import { decide } from '../../../keepers/ledger/dispatch/rules';
import type { Committed } from '../../../keepers/ledger/dispatch/store';
import { WorkingSet } from '../../../keepers/ledger/dispatch/working-set';
import { rowNumbersTable } from '../../../keepers/ledger/sqlite/packed-rows';
import { SqliteLoader } from '../../../keepers/ledger/sqlite/sqlite-loader';
import { SqliteSaver } from '../../../keepers/ledger/sqlite/sqlite-saver';
import { SqliteStore } from '../../../keepers/ledger/sqlite/sqlite-store';

/** What a ledger is held against: nothing is remembered from batch to batch, and each is written before the next is decided. */
export class ForgetfulStore extends SqliteStore {
    private readonly database: Database;
    private readonly loader: SqliteLoader;
    private readonly saver: SqliteSaver;
    private readonly statements: Query[];

    constructor(options: DatabaseOptions) {
        super(options);
        this.database = openDatabase(options);
        this.database.exec(rowNumbersTable);
        this.loader = new SqliteLoader(this.database);
        this.saver = new SqliteSaver(this.database);
        this.statements = this.saver.statements.map((text) => new Query(this.database, text));
    }

    override async commit(operations: readonly Operation[]): Promise<Committed> {
        const set = new WorkingSet();
        this.database.exec('BEGIN IMMEDIATE');
        this.loader.load(set, operations);
        const decisions = operations.map((operation) => decide(set, operation));
        for (const [statement, values] of this.saver.changesIn(set)) this.statements[statement]!.run(...values);
        this.database.exec('COMMIT');
        return { durable: Promise.resolve(decisions) };
    }

    override async close(): Promise<void> {
        this.database.close();
        await super.close();
    }
}
