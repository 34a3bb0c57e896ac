import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { type DispatchLedger, LedgerUse, ledgerUseLeaseMs, openDispatchLedger } from '../../../keepers/ledger';
import { newLedger, openNewLedger } from '../../support/new-ledger';
import { requestId } from './ledger-records';
import { network, signedCap, signedReceipt, signedStream } from './signed-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
let files = 0;
const hourMs = 3_600_000;

/** Three final requests, one with a checkpoint, one lost, evidence, and an open intent. */
async function filled(): Promise<DispatchLedger> {
    const ledger = await openNewLedger(folder);
    for (const i of [1, 2, 3]) {
        await ledger.recordCap(signedCap(`${i}`, BigInt(i) * 10n, 10n));
        const sums = { cost: 10n, cumulative: BigInt(i) * 10n };
        await ledger.recordReceipt(signedReceipt(`${i}`, { sequence: i, ...sums }));
    }
    for (const label of ['4', '5']) await ledger.recordCap(signedCap(label, 50n, 10n));
    await ledger.recordReceipt(signedReceipt('4', { sequence: 4, cost: 3n, cumulative: 33n, final: false }));
    await ledger.closeRequest(requestId('5'), 'lost', { atMs: 3 });
    await ledger.recordReceipt(signedReceipt('2', { sequence: 2, cost: 11n, cumulative: 21n }));
    await ledger.outbox.record({ kind: 'settle', key: 'k', owner: 'o', payload: '{}', atMs: 4 });
    return ledger;
}

async function everything(ledger: DispatchLedger) {
    return {
        info: await ledger.upkeep.info(),
        totals: await ledger.totals(),
        settleable: await ledger.settleable(),
        finals: await ledger.finalReceipts({ limit: 100 }),
        contradictions: await ledger.contradictions(),
        requests: await Promise.all(['1', '2', '3', '4', '5'].map((label) => ledger.requestState(requestId(label)))),
        outbox: await ledger.outbox.open('settle'),
    };
}

describe('audit', () => {
    it('follows every row to its signature and every sum to its rows', async () => {
        const ledger = await filled();
        expect(await ledger.upkeep.audit(network)).toEqual({
            ok: true,
            streams: 1,
            receipts: 4,
            caps: 1,
            requests: 5,
            contradictions: 1,
            problems: [],
            problemCount: 0,
        });
    });

    it('tells of what was signed for another network', async () => {
        const ledger = await filled();
        const { ok, problemCount } = await ledger.upkeep.audit(Buffer.alloc(32, 9));
        expect([ok, problemCount]).toEqual([false, 11]);
    });

    it('tells of a row and of a sum that somebody changed', async () => {
        const ledger = await filled();
        const backup = path.join(folder, `${files++}.backup`);
        await ledger.upkeep.backup(backup, 5);
        const { store } = ledger as unknown as {
            store: { transaction: (act: (sql: Tampering) => Promise<unknown>) => Promise<void> };
        };
        await store.transaction((sql) => sql.run('UPDATE dispatch_receipts SET cost_nano = 9 WHERE sequence = 1'));
        await store.transaction((sql) => sql.run('UPDATE dispatch_streams SET open_worst_nano = 1'));
        const { problems } = await ledger.upkeep.audit(network);
        expect(problems).toEqual([
            expect.stringMatching(/^receipt 1 of stream 1: /),
            'stream 1: 1 nanoTON are set aside, its open requests give 17',
        ]);
    });
});

interface Tampering {
    run: (text: string) => Promise<number>;
}

describe('backup', () => {
    it('brings a ledger back as it was, and it goes on', async () => {
        const ledger = await filled();
        const file = path.join(folder, `${files++}.backup`);
        const summary = await ledger.upkeep.backup(file, 5);
        const other = await openNewLedger(folder);
        expect(await other.upkeep.restore(file)).toEqual(summary);
        expect(await everything(other)).toEqual(await everything(ledger));
        expect((await other.upkeep.audit(network)).ok).toBe(true);
        await other.recordReceipt(signedReceipt('4', { sequence: 5, cost: 9n, cumulative: 39n }));
        expect((await other.totals()).finalReceipts).toBe(4);
    });

    it('moves between databases', async () => {
        const ledger = await filled();
        const file = path.join(folder, `${files++}.backup`);
        await ledger.upkeep.backup(file, 5);
        const sqlite = await openDispatchLedger({ file: path.join(folder, `${files++}.sqlite`) });
        await sqlite.upkeep.restore(file);
        expect(await everything(sqlite)).toEqual(await everything(ledger));
        await sqlite.close();
    });

    it('replaces a ledger that is not empty only where that is said', async () => {
        const ledger = await filled();
        const file = path.join(folder, `${files++}.backup`);
        await ledger.upkeep.backup(file, 5);
        const before = await everything(ledger);
        await ledger.recordPaid(signedStream, { paidNano: 20n, atMs: 9 });
        await expect(ledger.upkeep.restore(file)).rejects.toMatchObject({ code: 'backup_invalid' });
        await ledger.upkeep.restore(file, { replace: true });
        expect(await everything(ledger)).toEqual(before);
    });

    it.each([
        ['changed', (text: string) => text.replace('i33', 'i34')],
        ['cut short', (text: string) => text.slice(0, text.length / 2)],
        ['something else', () => '{"a":1}\n'],
        ['of another version', (text: string) => text.replace('"schemaVersion":', '"schemaVersion":1')],
    ])('is refused when it is %s, and changes nothing', async (_what, change) => {
        const ledger = await filled();
        const file = path.join(folder, `${files++}.backup`);
        await ledger.upkeep.backup(file, 5);
        writeFileSync(file, change(readFileSync(file, 'utf8')));
        const before = await everything(ledger);
        await expect(ledger.upkeep.restore(file, { replace: true })).rejects.toMatchObject({ code: 'backup_invalid' });
        expect(await everything(ledger)).toEqual(before);
    });
});

describe('a backup file', () => {
    it('that cannot be written is a typed error, and leaves nothing behind', async () => {
        const ledger = await filled();
        // A folder of this name: as with a full disk, the failure is the file system's.
        const taken = path.join(folder, `${files++}.backup`);
        mkdirSync(taken);
        for (const file of [taken, path.join(folder, 'nowhere', 'a.backup')])
            await expect(ledger.upkeep.backup(file, 5)).rejects.toMatchObject({
                code: 'backup_failed',
                message: expect.stringContaining(`could not be written to ${file}: E`) as string,
            });
        expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
    });

    it('that is not there is no failure of the ledger', async () => {
        const ledger = await filled();
        const missing = ledger.upkeep.restore(path.join(folder, 'none.backup'), { replace: true });
        await expect(missing).rejects.toMatchObject({
            code: 'backup_invalid',
            message: expect.stringMatching(/^The backup cannot be read: .*ENOENT/) as string,
        });
        expect((await ledger.totals()).finalReceipts).toBe(3);
    });
});

describe('a backup of a ledger that a role uses', () => {
    async function backedUp() {
        const ledger = await filled();
        const file = path.join(folder, `${files++}.backup`);
        await ledger.upkeep.backup(file, 5);
        return { ledger, file };
    }

    it('is not restored, and the error says who uses it and for how long one that was killed counts', async () => {
        const { ledger, file } = await backedUp();
        await ledger.recordPaid(signedStream, { paidNano: 20n, atMs: 9 });
        const before = await everything(ledger);
        const name = `replica ${'ab'.repeat(32)} main`;
        await ledger.leases.seize(name, 'a', ledgerUseLeaseMs);
        await expect(ledger.upkeep.restore(file, { replace: true })).rejects.toMatchObject({
            code: 'ledger_in_use',
            message: expect.stringMatching(/\(dispatcher main\): stop .* for (10|[1-9]) s more$/) as string,
        });
        expect(await everything(ledger)).toEqual(before);
        await ledger.leases.seize(name, 'a', 0);
        await ledger.upkeep.restore(file, { replace: true });
        expect((await ledger.totals()).paidNano).toBe(0n);
    });

    it('is not restored into an empty one either', async () => {
        const { file } = await backedUp();
        const empty = await openNewLedger(folder);
        await empty.leases.seize(`replica ${'ab'.repeat(32)} main`, 'a', ledgerUseLeaseMs);
        await expect(empty.upkeep.restore(file)).rejects.toMatchObject({ code: 'ledger_in_use' });
    });

    it('is restored although tasks of a role that is gone are still leased', async () => {
        const { ledger, file } = await backedUp();
        await ledger.leases.hold('leader retention', 'a', 600_000);
        await ledger.upkeep.restore(file, { replace: true });
    });

    it('is not restored for as long as a settler or watchdog says that it uses it', async () => {
        const { ledger, file } = await backedUp();
        const clock = new ManualClock(0);
        const { leases } = ledger;
        await leases.seize('settler killed', 'x', 0);
        const uses = (['settler', 'watchdog'] as const).map(
            (role) => new LedgerUse({ leases, role, clock, logger: silentLogger() }),
        );
        for (const use of uses) await use.start();
        expect((await leases.list('settler ')).leases).toHaveLength(1);
        const refusal = { code: 'ledger_in_use', message: expect.stringContaining('(settler, watchdog)') as string };
        await expect(ledger.upkeep.restore(file, { replace: true })).rejects.toMatchObject(refusal);
        for (const use of uses) await use.stop();
        await ledger.upkeep.restore(file, { replace: true });
    });

    it('finds the lease renewed while its role runs, also after a renewal that failed', async () => {
        const clock = new ManualClock(0);
        const outcomes = [undefined, new Error('the database is away'), undefined];
        let claims = 0;
        const leases = {
            seize: () => {
                const failure = outcomes[claims++];
                return failure === undefined ? Promise.resolve() : Promise.reject(failure);
            },
            list: () => Promise.resolve({ nowMs: 0, leases: [] }),
            release: () => Promise.resolve(),
        };
        const use = new LedgerUse({ leases, role: 'settler', clock, logger: silentLogger() });
        await use.start();
        for (const expected of [2, 3]) {
            clock.advance(ledgerUseLeaseMs / 4);
            for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
            expect(claims).toBe(expected);
        }
        await use.stop();
    });
});

describe('compaction', () => {
    it('deletes what is paid and old, keeps evidence, and totals stay', async () => {
        const ledger = await filled();
        await ledger.recordPaid(signedStream, { paidNano: 20n, atMs: 9 });
        const totals = await ledger.totals();
        const settleable = await ledger.settleable();
        expect(await ledger.upkeep.compact(Date.now() - 3 * hourMs)).toEqual({
            receipts: 1,
            requests: 2,
            settlements: 1,
            intents: 0,
        });
        expect(await ledger.totals()).toEqual(totals);
        expect(await ledger.settleable()).toEqual(settleable);
        expect(await ledger.contradictions()).toHaveLength(1);
        expect(await ledger.requestState(requestId('1'))).toBeNull();
        expect((await ledger.requestState(requestId('3')))!.receipt).not.toBeNull();
        expect((await ledger.upkeep.audit(network)).problems).toEqual([]);
        // A receipt that comes again after that is not counted again.
        const again = signedReceipt('1', { sequence: 1, cost: 10n, cumulative: 10n });
        expect(await ledger.recordReceipt(again)).toBe('known');
        expect(await ledger.totals()).toEqual(totals);
    });

    it('keeps what is younger, and refuses to keep less than two hours', async () => {
        const ledger = await filled();
        await ledger.recordPaid(signedStream, { paidNano: 20n, atMs: 9 });
        expect(await ledger.upkeep.compact(1)).toEqual({ receipts: 0, requests: 0, settlements: 0, intents: 0 });
        await expect(ledger.upkeep.compact(Date.now() - hourMs)).rejects.toMatchObject({ code: 'record_invalid' });
    });
});

it('uses the options of one ledger twice for one ledger', async () => {
    const options = await newLedger(folder);
    const ledger = await openDispatchLedger(options);
    await ledger.recordCap(signedCap('1', 10n, 10n));
    await ledger.close();
    const again = await openDispatchLedger(options);
    expect(await again.hasRequest(requestId('1'))).toBe(true);
    await again.close();
});
