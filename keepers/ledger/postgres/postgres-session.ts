import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LedgerError } from '../errors';
import { isConflict, isConnectionLost, ledgerFailure } from './failures';
import { connectionSettings, defaultPatienceMs, type PostgresOptions } from './options';
import { columnTypes } from './types';

const maxPauseMs = 1_000;

/**
 * One connection that writes, opened again when it is lost. Statements are pipelined: one need not wait for the answer
 * to the one before it.
 */
export class PostgresSession {
    private client: pg.Client | null = null;
    private closed = false;
    private readonly settings: ReturnType<typeof connectionSettings>;
    private readonly patienceMs: number;

    constructor(options: PostgresOptions) {
        this.settings = connectionSettings(options);
        this.patienceMs = options.patienceMs ?? defaultPatienceMs;
    }

    /**
     * Runs `act` in a transaction and commits it; `act` may run again, from its beginning, when a transaction was lost
     * or conflicted. Whether a transaction was committed whose answer was lost is asked of the server.
     * @throws LedgerError when nothing was kept
     */
    async transaction<T>(act: (client: pg.Client) => Promise<T>): Promise<T> {
        const untilMs = performance.now() + this.patienceMs;
        for (let tries = 0; ; tries++) {
            try {
                return await this.attempt(act, untilMs);
            } catch (error) {
                const again = isConnectionLost(error) || isConflict(error);
                if (!again || this.closed || performance.now() >= untilMs) throw ledgerFailure(error);
                await sleep(Math.random() * Math.min(maxPauseMs, 10 * 2 ** tries));
            }
        }
    }

    async close(): Promise<void> {
        this.closed = true;
        await this.client?.end();
        this.client = null;
    }

    private async attempt<T>(act: (client: pg.Client) => Promise<T>, untilMs: number): Promise<T> {
        const client = await this.connected();
        let outcome: { value: T; transactionId: string } | null = null;
        try {
            const [, id] = await Promise.all([
                client.query('BEGIN'),
                client.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id'),
            ]);
            outcome = { value: await act(client), transactionId: id.rows[0]!.id };
            await commit(client);
            return outcome.value;
        } catch (error) {
            if (!isConnectionLost(error)) {
                await client.query('ROLLBACK').catch(() => this.drop(client));
                throw error;
            }
            this.drop(client);
            if (outcome && (await this.wasCommitted(client, outcome.transactionId, untilMs))) return outcome.value;
            throw error;
        }
    }

    private async connected(): Promise<pg.Client> {
        if (this.client) return this.client;
        const client = new pg.Client({ ...this.settings, types: columnTypes, pipeline: true });
        client.on('error', () => this.drop(client));
        client.on('end', () => this.drop(client));
        await client.connect();
        await client.query('SET synchronous_commit = on');
        this.client = client;
        return client;
    }

    private drop(client: pg.Client): void {
        if (this.client === client) this.client = null;
        client.end().catch(() => undefined);
    }

    /** The answer to a COMMIT was lost with its connection. The old backend is ended first: then the verdict is final. */
    private async wasCommitted(lost: pg.Client, transactionId: string, untilMs: number): Promise<boolean> {
        for (;;) {
            const status = await this.statusOf(lost, transactionId).catch((error: unknown) => {
                if (isConnectionLost(error)) return 'in progress';
                throw error;
            });
            if (status === 'committed') return true;
            if (status === 'aborted') return false;
            if (status === null || performance.now() >= untilMs || this.closed)
                throw new LedgerError(
                    'ledger_write_failed',
                    'Whether the ledger has committed could not be found out',
                    {
                        context: { transactionId },
                    },
                );
            await sleep(50);
        }
    }

    private async statusOf(lost: pg.Client, transactionId: string): Promise<string | null> {
        const client = await this.connected();
        const { rows } = await client.query<{ status: string | null }>('SELECT pg_xact_status($1::xid8) AS status', [
            transactionId,
        ]);
        if (rows[0]!.status !== 'in progress') return rows[0]!.status;
        const { processID } = lost as pg.Client & { processID: number | null };
        await client.query(
            'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_xid IS NOT NULL',
            [processID],
        );
        return 'in progress';
    }
}

async function commit(client: pg.Client): Promise<void> {
    const { command } = await client.query('COMMIT');
    // The server answers so when a statement failed before.
    if (command !== 'COMMIT') throw new LedgerError('ledger_write_failed', 'The ledger rolled the transaction back');
}
