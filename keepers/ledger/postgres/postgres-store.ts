import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { announce, type Operation } from '../dispatch/operations';
import { decide } from '../dispatch/rules';
import type { Sql, SqlValue } from '../dispatch/sql';
import type { Committed, DispatchStore, TransactionOptions } from '../dispatch/store';
import { WorkingSet } from '../dispatch/working-set';
import { isConnectionLost, ledgerFailure } from './failures';
import {
    connectionSettings,
    defaultPatienceMs,
    longestSilenceMs,
    type PostgresOptions,
    statementsTakeTheirTime,
    statementTimeoutOf,
} from './options';
import { loadBatch } from './postgres-loader';
import { migratePostgres } from './postgres-migrations';
import { saveBatch } from './postgres-saver';
import { PostgresSession } from './postgres-session';
import { PostgresSql } from './postgres-sql';
import { allowSilence, breakOffWhenSilent } from './silence';
import { columnTypes } from './types';

const readConnections = 4;

/** The dispatcher's tables in a PostgreSQL database (14 or later), which several dispatchers and settlers share. */
export class PostgresStore implements DispatchStore {
    readonly batchOperations = 512;
    readonly reads: Sql;
    private readonly pool: pg.Pool;
    private readonly session: PostgresSession;

    private constructor(private readonly options: PostgresOptions) {
        this.session = new PostgresSession(options);
        this.pool = new pg.Pool({ ...connectionSettings(options), types: columnTypes, max: readConnections });
        this.pool.on('error', () => undefined);
        this.pool.on('connect', (client) => breakOffWhenSilent(client, longestSilenceMs(options)));
        this.reads = new PostgresSql({ query: (text, values) => this.read(text, values) });
    }

    /** @throws LedgerError `ledger_unusable`, `ledger_unavailable` */
    static async open(options: PostgresOptions): Promise<PostgresStore> {
        const store = new PostgresStore(options);
        try {
            await migratePostgres(store.session, statementTimeoutOf(options));
            await store.session.forgetOldMarks();
            return store;
        } catch (error) {
            await store.close();
            throw error;
        }
    }

    async commit(operations: readonly Operation[]): Promise<Committed> {
        const decisions = await this.session.transaction(async (client) => {
            const set = new WorkingSet();
            await loadBatch(client, set, operations);
            const decisions = operations.map((operation) => decide(set, operation));
            announce(operations, decisions);
            await saveBatch(client, set);
            return decisions;
        });
        return { decisions, durable: Promise.resolve() };
    }

    transaction<T>(act: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T> {
        return this.session.transaction((client) => act(new PostgresSql(client)), options);
    }

    async snapshot<T>(act: (sql: Sql) => Promise<T>): Promise<T> {
        const client = await this.pool.connect();
        allowSilence(client, 0);
        try {
            await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${statementsTakeTheirTime}`);
            // What is read goes to a disk that may stand still for a while, and holds nobody up.
            await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
            return await act(new PostgresSql(client));
        } catch (error) {
            throw ledgerFailure(error);
        } finally {
            await client.query('ROLLBACK').catch(() => undefined);
            allowSilence(client, longestSilenceMs(this.options));
            client.release();
        }
    }

    async nowMs(): Promise<number> {
        const text = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS now';
        const [row] = await this.reads.all<{ now: bigint }>(text);
        return Number(row!.now);
    }

    /** The server's autovacuum does. */
    giveBack(): void {}

    async close(): Promise<void> {
        await Promise.all([this.session.close(), this.pool.end()]);
    }

    /** Again after a lost connection: reading twice does no harm. */
    private async read(text: string, values: SqlValue[]): Promise<{ rows: unknown[]; rowCount: number | null }> {
        const untilMs = performance.now() + (this.options.patienceMs ?? defaultPatienceMs);
        for (let tries = 0; ; tries++) {
            try {
                return await this.pool.query<pg.QueryResultRow>(text, values);
            } catch (error) {
                if (!isConnectionLost(error) || this.pool.ending || performance.now() >= untilMs)
                    throw ledgerFailure(error);
                await sleep(Math.random() * Math.min(1_000, 10 * 2 ** tries));
            }
        }
    }
}
