import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { openDispatchLedger, schemaVersion } from '../../../keepers/ledger';
import { steps } from '../../../keepers/ledger/migrations';
import { bytes } from './record-bytes';
import { cap, escrow, funds, receipt, requestId, streamA } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();

/** The first release that wrote another schema than these. */
const firstWithOwnTables = 5;

/** A file as a program that knew `version` left it: two requests of one stream, one of them final, a checkpoint and evidence. */
function fileOfVersion(version: number): string {
    const file = path.join(folder, `version-${version}.db`);
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at_ms INTEGER NOT NULL) STRICT');
    steps.slice(0, version).forEach(({ sqlite }, i) => {
        database.exec(sqlite);
        database.prepare('INSERT INTO schema_version VALUES (?, 0)').run(i + 1);
    });
    fill(database, version);
    database.close();
    return file;
}

function fill(database: InstanceType<typeof DatabaseSync>, version: number): void {
    database.prepare(`INSERT INTO dispatch_streams VALUES (1, ?, 7, ?, 2, 2, 45, 60, 20)`).run(escrow, streamA.nodeKey);
    const request = database.prepare(
        `INSERT INTO dispatch_requests (request_id, request_hash, stream_id, session_key, offer_hash, cap_nano, cap_signature,
         worst_case_nano, state, recorded_at_ms) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, 1)`,
    );
    const session = bytes('session');
    for (const [label, capNano, worst, state] of [
        ['1', 50, 50, 'final'],
        ['2', 110, 60, 'running'],
    ] as const)
        request.run(
            requestId(label),
            bytes(`hash ${label}`),
            session,
            bytes('offer'),
            capNano,
            bytes(`cap ${label}`, 64),
            worst,
            state,
        );
    const stored = database.prepare(
        `INSERT INTO dispatch_receipts (id, stream_id, request_id, session_key, sequence, cost_nano, cumulative_nano, reference,
         signature, usage_hash, transcript_hash, final, received_at_ms) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 2)`,
    );
    for (const [id, label, cost, cumulative, final] of [
        [1, '1', 40, 40, 1],
        [2, '2', 5, 45, 0],
    ] as const)
        stored.run(
            id,
            requestId(label),
            session,
            id,
            cost,
            cumulative,
            bytes('reference'),
            bytes(`s${id}`, 64),
            bytes('u'),
            bytes('t'),
            final,
        );
    database
        .prepare(`INSERT INTO dispatch_contradictions VALUES (1, 1, 1, ?, 1, 41, 41, ?, ?, 2)`)
        .run(session, bytes('reference'), bytes('other', 64));
    database.exec('INSERT INTO dispatch_settlements VALUES (1, 1, 0, 20, NULL, 3)');
    if (version < 2) return;
    // Since step 2 what a checkpoint states is no longer in the open sum.
    database.exec('UPDATE dispatch_streams SET open_worst_nano = 55');
    database.exec('UPDATE dispatch_requests SET signed_nano = 5 WHERE worst_case_nano = 60');
    database
        .prepare('UPDATE dispatch_requests SET cap_hash = ?, allowance_nano = 60 WHERE worst_case_nano = 60')
        .run(bytes('window'));
}

const released = Array.from({ length: firstWithOwnTables - 1 }, (_, i) => i + 1);

describe.each(released)('a file of schema version %i', (version) => {
    it('keeps its rows and goes on', async () => {
        const file = fileOfVersion(version);
        const ledger = await openDispatchLedger({ file });
        const paid = { paidNano: new Map([[streamA.nodeKey.toString('hex'), 20n]]) };
        const openNano = version < 2 ? 60n : 55n;
        expect(await ledger.outstandingNano(escrow, 7, paid)).toBe(45n + openNano - 20n);
        expect(await ledger.totals()).toEqual({ finalReceipts: 1, costNano: 40n, paidNano: 20n });
        expect(await ledger.requestState(requestId('1'))).toMatchObject({
            state: 'final',
            receipt: { id: 1n, receipt: { sequence: 1, cumulativeNano: 40n } },
            checkpoint: null,
        });
        expect(await ledger.requestState(requestId('2'))).toMatchObject({
            state: 'running',
            dispatcherId: '',
            receipt: null,
            checkpoint: { receipt: { sequence: 2, cumulativeNano: 45n } },
        });
        const requestHash = version < 2 ? bytes('hash 2') : bytes('window');
        expect(await ledger.settleable()).toMatchObject([
            { receipt: { sequence: 2 }, cap: { capCumulativeNano: 110n, requestHash }, paidNano: 20n },
        ]);
        expect(await ledger.contradictions()).toMatchObject([
            { kept: { receipt: { sequence: 1, costNano: 40n } }, other: { receipt: { sequence: 1, costNano: 41n } } },
        ]);
        await ledger.recordReceipt(receipt('2', { sequence: 3, cost: 30n, cumulative: 70n }));
        await ledger.recordCap(cap('3', 120n, { funds: funds(1_000n) }));
        expect(await ledger.markRunningLost(9)).toBe(1);
        await expect(ledger.recordCap(cap('1', 130n))).rejects.toMatchObject({ code: 'request_replayed' });
        await ledger.close();
        await (await openDispatchLedger({ file })).close();
        const now: unknown = new DatabaseSync(file).prepare('SELECT max(version) AS version FROM schema_version').get();
        expect(now).toEqual({ version: schemaVersion });
    });
});
