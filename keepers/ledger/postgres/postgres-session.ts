import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { TransactionOptions } from '../dispatch/store';
import { LedgerError } from '../errors';
import { isConflict, isConnectionLost, ledgerFailure } from './failures';
import {
    connectionSettings,
    defaultPatienceMs,
    goodbyeMs,
    longestSilenceMs,
    type PostgresOptions,
    statementsTakeTheirTime,
} from './options';
import { allowSilence, breakOffWhenSilent } from './silence';
import { columnTypes } from './types';

const maxPauseMs = 1_000;
const markLifeMs = 30 * 86_400_000;

interface SessionOptions extends TransactionOptions {
    /** Else `act` may be done twice. */
    marked?: boolean;
}

/**
 * One connection that writes, opened again when it is lost. Statements are pipelined: one need not wait for the answer
 * to the one before it.
 */
export class PostgresSession {
    private client: pg.Client | null = null;
    private closed = false;
    private readonly writer = randomUUID();
    private mark = 0;
    private readonly settings: ReturnType<typeof connectionSettings>;
    private readonly patienceMs: number;
    private readonly silenceMs: number;

    constructor(options: PostgresOptions) {
        this.settings = connectionSettings(options);
        this.patienceMs = options.patienceMs ?? defaultPatienceMs;
        this.silenceMs = longestSilenceMs(options);
    }

    /**
     * Runs `act` in a transaction and commits it; `act` may run again, from its beginning, when a transaction was lost
     * or conflicted. Whether a transaction was committed whose answer was lost is read from its mark; without one, `act`
     * must do no harm when it is done twice.
     * @throws LedgerError when nothing was kept
     */
    async transaction<T>(act: (client: pg.Client) => Promise<T>, options: SessionOptions = {}): Promise<T> {
        const untilMs = performance.now() + this.patienceMs;
        for (let tries = 0; ; tries++) {
            try {
                return await this.attempt(act, { ...options, untilMs });
            } catch (error) {
                const again = isConnectionLost(error) || isConflict(error);
                if (!again || this.closed || performance.now() >= untilMs) throw ledgerFailure(error);
                await sleep(Math.random() * Math.min(maxPauseMs, 10 * 2 ** tries));
            }
        }
    }

    /** Marks of processes that ended long ago. */
    async forgetOldMarks(): Promise<void> {
        const text = 'DELETE FROM commit_marks WHERE at_ms < $1';
        await this.transaction((client) => client.query(text, [Date.now() - markLifeMs]));
    }

    async close(): Promise<void> {
        this.closed = true;
        const { client } = this;
        this.client = null;
        if (!client) return;
        allowSilence(client, goodbyeMs);
        await client.end();
    }

    private async attempt<T>(
        act: (client: pg.Client) => Promise<T>,
        { marked = true, mayTakeLong = false, untilMs }: SessionOptions & { untilMs: number },
    ): Promise<T> {
        const client = await this.connected();
        const mark = ++this.mark;
        let outcome: { value: T } | null = null;
        allowSilence(client, mayTakeLong ? 0 : this.silenceMs);
        try {
            const begin = mayTakeLong ? `BEGIN; ${statementsTakeTheirTime}` : 'BEGIN';
            await Promise.all([client.query(begin), ...(marked ? [this.setMark(client, mark)] : [])]);
            outcome = { value: await act(client) };
            await commit(client);
            return outcome.value;
        } catch (error) {
            if (!isConnectionLost(error)) {
                await client.query('ROLLBACK').catch(() => this.drop(client));
                throw error;
            }
            this.drop(client);
            if (marked && outcome && (await this.wasCommitted(mark, untilMs))) return outcome.value;
            throw error;
        } finally {
            // Until the next act nobody waits for it.
            allowSilence(client, 0);
        }
    }

    private setMark(client: pg.Client, mark: number): Promise<unknown> {
        return client.query({
            name: 'set mark',
            text: `INSERT INTO commit_marks (writer, mark, at_ms) VALUES ($1, $2, $3)
                ON CONFLICT (writer) DO UPDATE SET mark = excluded.mark, at_ms = excluded.at_ms`,
            values: [this.writer, mark, Date.now()],
        });
    }

    private async connected(): Promise<pg.Client> {
        if (this.client) return this.client;
        const client = new pg.Client({ ...this.settings, types: columnTypes, pipeline: true });
        client.on('error', () => this.drop(client));
        client.on('end', () => this.drop(client));
        await client.connect();
        breakOffWhenSilent(client, this.silenceMs);
        await client.query('SET synchronous_commit = on');
        this.client = client;
        return client;
    }

    private drop(client: pg.Client): void {
        if (this.client === client) this.client = null;
        client.end().catch(() => undefined);
    }

    /** The answer to a COMMIT was lost with its connection. */
    private async wasCommitted(mark: number, untilMs: number): Promise<boolean> {
        for (;;) {
            try {
                return await this.isMarked(mark);
            } catch (error) {
                if (this.closed || performance.now() >= untilMs)
                    throw new LedgerError(
                        'ledger_write_failed',
                        'Whether the ledger has committed could not be found out',
                        { cause: error },
                    );
                await sleep(50);
            }
        }
    }

    /** The old transaction holds its mark's row until it is over: the lock waits for that, and the verdict is final. */
    private async isMarked(mark: number): Promise<boolean> {
        const client = await this.connected();
        const text = 'SELECT mark FROM commit_marks WHERE writer = $1 FOR UPDATE';
        const { rows } = await client.query<{ mark: bigint }>(text, [this.writer]);
        return rows[0]?.mark === BigInt(mark);
    }
}

async function commit(client: pg.Client): Promise<void> {
    const { command } = await client.query('COMMIT');
    // The server answers so when a statement failed before.
    if (command !== 'COMMIT') throw new LedgerError('ledger_write_failed', 'The ledger rolled the transaction back');
}
