import { DatabaseSync } from '@photostructure/sqlite';
import pg from 'pg';
import { type DispatchLedgerOptions, openDispatchLedger, schemaVersion } from '../../../keepers/ledger';
import type { Sql } from '../../../keepers/ledger/dispatch/sql';
import { steps } from '../../../keepers/ledger/migrations';
import { inPostgres } from '../../../keepers/ledger/postgres/postgres-migrations';
import { PostgresSql } from '../../../keepers/ledger/postgres/postgres-sql';
import { SqliteSql } from '../../../keepers/ledger/sqlite/sqlite-sql';
import { newLedger } from '../../support/new-ledger';
import { cap, escrow, funds, receipt, requestId, streamA } from './ledger-records';
import { bytes } from './record-bytes';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();

/** Older ones are in migrations.spec.ts: they have other tables, and SQLite alone. */
const firstWithOwnTables = 5;
const firstWithSends = 6;
const firstWithCompaction = 7;
const released = Array.from({ length: schemaVersion - firstWithOwnTables + 1 }, (_, i) => firstWithOwnTables + i);

interface Opened {
    exec: (text: string) => Promise<unknown>;
    sql: Sql;
    close: () => Promise<void>;
}

async function openRaw(options: DispatchLedgerOptions): Promise<Opened> {
    if ('url' in options) {
        const client = new pg.Client({ connectionString: options.url });
        await client.connect();
        const exec = (text: string) => client.query(text);
        return { exec, sql: new PostgresSql(client), close: () => client.end() };
    }
    const database = new DatabaseSync(options.file);
    const exec = async (text: string) => database.exec(text);
    return { exec, sql: new SqliteSql(database), close: async () => database.close() };
}

/** A ledger as a program that knew `version` left it, on the database that the tests run on. */
async function ledgerOfVersion(version: number): Promise<DispatchLedgerOptions> {
    const options = await newLedger(folder);
    const { exec, sql, close } = await openRaw(options);
    const isPostgres = 'url' in options;
    const adapted = (text: string) => (isPostgres ? inPostgres(text) : text);
    await exec(
        adapted('CREATE TABLE schema_version (version INTEGER NOT NULL, applied_at_ms INTEGER NOT NULL) STRICT;'),
    );
    for (const [i, step] of steps.slice(0, version).entries()) {
        await exec(adapted((isPostgres ? step.postgres : step.sqlite) ?? ''));
        await sql.run('INSERT INTO schema_version VALUES (?, 0)', [i + 1]);
    }
    await fill(sql, version);
    await close();
    return options;
}

/** Sequences and sums of what compaction took, where that release could compact. */
function compacted(version: number): { sequence: number; receipts: number; costNano: number } {
    return version < firstWithCompaction
        ? { sequence: -1, receipts: 0, costNano: 0 }
        : { sequence: 2, receipts: 2, costNano: 30 };
}

/** One stream: a request that is final, one that runs and has a checkpoint, evidence, a payment, an intent. */
async function fill(sql: Sql, version: number): Promise<void> {
    const gone = compacted(version);
    const insert = (table: string, row: Record<string, string | number | Buffer | null>) =>
        sql.run(
            `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row)
                .map(() => '?')
                .join(', ')})`,
            Object.values(row),
        );
    const [session_key, reference] = [bytes('session'), bytes('reference')];
    await insert('dispatch_streams', {
        ...{
            escrow,
            epoch: 7,
            node_key: streamA.nodeKey,
            latest_sequence: 4,
            latest_cumulative_nano: gone.costNano + 45,
        },
        ...{
            open_worst_nano: 55,
            paid_nano: 20,
            compacted_receipts: gone.receipts,
            compacted_cost_nano: gone.costNano,
        },
        ...(version >= firstWithCompaction && { compacted_sequence: gone.sequence }),
    });
    await insert('dispatch_caps', {
        ...{ stream_id: 1, session_key, cap_nano: 140, cap_hash: bytes('window'), cap_signature: bytes('cap 2', 64) },
    });
    for (const [label, state, worst, signed, final, checkpoint] of [
        ['1', 'final', 50, 40, 3, null],
        ['2', 'running', 60, 5, null, 4],
    ] as const)
        await insert('dispatch_requests', {
            ...{ request_id: requestId(label), request_hash: bytes(`hash ${label}`), stream_id: 1, session_key },
            ...{
                offer_hash: bytes('offer'),
                cap_nano: 140,
                cap_signature: bytes(`cap ${label}`, 64),
                worst_case_nano: worst,
            },
            ...{ signed_nano: signed, allowance_nano: worst, state, recorded_at_ms: 1, final_sequence: final },
            ...{ checkpoint_sequence: checkpoint, dispatcher_id: 'first' },
        });
    for (const [sequence, label, cost, cumulative, final] of [
        [3, '1', 40, 40, 1],
        [4, '2', 5, 45, 0],
    ] as const)
        await insert('dispatch_receipts', {
            ...{ stream_id: 1, sequence, request_id: requestId(label), session_key, cost_nano: cost },
            ...{ cumulative_nano: gone.costNano + cumulative, reference, signature: bytes(`s${sequence}`, 64) },
            ...{ usage_hash: bytes('u'), transcript_hash: bytes('t'), final, received_at_ms: 2 },
        });
    await insert('dispatch_contradictions', {
        ...{ stream_id: 1, kept_sequence: 3, session_key, sequence: 3, cost_nano: 41, cumulative_nano: 41, reference },
        ...{ signature: bytes('other', 64), received_at_ms: 2 },
    });
    await insert('dispatch_settlements', { stream_id: 1, paid_before_nano: 0, paid_after_nano: 20, observed_at_ms: 3 });
    await insert('leases', { name: 'replica/first', holder: 'first', expires_at_ms: 9 });
    await insert('outbox', {
        ...{ kind: 'settle', intent_key: 'a', payload: '{}', state: 'pending', created_at_ms: 1, updated_at_ms: 1 },
        ...(version >= firstWithSends && { owner: 'wallet' }),
    });
    if (version < firstWithSends) return;
    await insert('outbox_sends', {
        ...{ wallet: 'wallet', slot: 5, valid_until_sec: 9, signed_at_sec: 1, since_lt: 1, body_hash: bytes('body') },
        ...{ boc: bytes('boc'), estimated_fee_nano: 100, created_at_ms: 1 },
    });
}

describe.each(released)('a ledger of schema version %i', (version) => {
    it('keeps its rows, goes on, and is of this version then', async () => {
        const options = await ledgerOfVersion(version);
        const gone = compacted(version);
        const goneNano = BigInt(gone.costNano);
        const ledger = await openDispatchLedger({ ...options, dispatcherId: 'first' });
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(goneNano + 45n + 55n);
        const counts = { finalReceipts: 1 + gone.receipts, costNano: 40n + goneNano };
        expect(await ledger.totals()).toEqual({ ...counts, paidNano: 20n });
        expect(await ledger.requestState(requestId('1'))).toMatchObject({
            state: 'final',
            receipt: { receipt: { sequence: 3 } },
        });
        expect(await ledger.requestState(requestId('2'))).toMatchObject({
            ...{ state: 'running', dispatcherId: 'first', checkpoint: { receipt: { sequence: 4 } } },
        });
        expect(await ledger.settleable()).toMatchObject([
            { receipt: { sequence: 4 }, cap: { capCumulativeNano: 140n, requestHash: bytes('window') }, paidNano: 20n },
        ]);
        expect(await ledger.contradictions()).toMatchObject([{ other: { receipt: { sequence: 3, costNano: 41n } } }]);
        expect((await ledger.leases.list('replica/')).leases).toMatchObject([{ holder: 'first', expiresAtMs: 9 }]);
        expect(await ledger.outbox.open('settle')).toMatchObject([{ key: 'a', state: 'pending' }]);
        expect(await ledger.outbox.openSends('wallet')).toHaveLength(version < firstWithSends ? 0 : 1);
        const early = receipt('0', { sequence: 2, cost: 10n, cumulative: goneNano });
        if (version >= firstWithCompaction) expect(await ledger.recordReceipt(early)).toBe('known');
        const final = receipt('2', { sequence: 5, cost: 30n, cumulative: goneNano + 70n });
        expect(await ledger.recordReceipt(final)).toBe('recorded');
        await ledger.recordCap(cap('3', goneNano + 120n));
        await expect(ledger.recordCap(cap('1', 130n))).rejects.toMatchObject({ code: 'request_replayed' });
        expect(await ledger.markRunningLost(9)).toBe(1);
        await ledger.close();
        expect(await versionOf(options)).toBe(BigInt(schemaVersion));
    });
});

async function versionOf(options: DispatchLedgerOptions): Promise<bigint> {
    const { sql, close } = await openRaw(options);
    const [row] = await sql.all<{ version: bigint | string }>('SELECT max(version) AS version FROM schema_version');
    await close();
    return BigInt(row!.version);
}
