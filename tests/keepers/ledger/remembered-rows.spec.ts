import { jest } from '@jest/globals';
import fc from 'fast-check';
import path from 'node:path';
import { openDispatchLedger } from '../../../keepers/ledger';
import { DispatchLedger } from '../../../keepers/ledger/dispatch-ledger';
import type { WorkingSet } from '../../../keepers/ledger/dispatch/working-set';
import { SqliteSaver } from '../../../keepers/ledger/sqlite/sqlite-saver';
import type { PackedChange } from '../../../keepers/ledger/sqlite/writer-thread';
import { newLedger, onPostgres } from '../../support/new-ledger';
import { cap, escrow, funds, nodeA, nodeB, receipt, requestId } from './ledger-records';
import { ForgetfulStore } from './forgetful-store';
import { bytes } from './record-bytes';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const labels = ['1', '2', '3', '4', '5'];
const nodes = [nodeA, nodeB];
const escrows = [escrow, bytes('another escrow')];
const noSuchStatement = 99;

interface Act {
    what: 'cap' | 'raise' | 'receipt' | 'checkpoint' | 'close' | 'lost' | 'take' | 'paid' | 'release' | 'restart';
    label: string;
    node: number;
    escrow: number;
    amount: number;
    sequence: number;
    /** Which of two dispatchers on the ledger does it; the settler does what it does in a process of its own, too. */
    writer: 0 | 1;
    /** The first try fails while it is saved. */
    fails: boolean;
}

const act: fc.Arbitrary<Act> = fc.record({
    what: fc.constantFrom(
        'cap',
        'cap',
        'cap',
        'raise',
        'receipt',
        'receipt',
        'checkpoint',
        'close',
        'lost',
        'take',
        'paid',
        'release',
        'restart',
    ),
    label: fc.constantFrom(...labels),
    node: fc.integer({ min: 0, max: 1 }),
    escrow: fc.constantFrom(0, 0, 0, 1),
    amount: fc.integer({ min: 1, max: 60 }),
    sequence: fc.integer({ min: 1, max: 6 }),
    writer: fc.constantFrom(0, 0, 0, 1),
    fails: fc.constantFrom(false, false, false, false, true),
});

function perform(ledger: DispatchLedger, of: Act): Promise<unknown> {
    const stream = { escrow: escrows[of.escrow]!, epoch: 7, nodeKey: nodes[of.node]! };
    const [id, amountNano] = [requestId(of.label), BigInt(of.amount)];
    const balance = funds(150n, [[stream.nodeKey, 10n]]);
    switch (of.what) {
        case 'cap':
            return ledger.recordCap(
                cap(of.label, amountNano * 3n, { ...stream, worstCaseNano: amountNano, funds: balance }),
            );
        case 'raise':
            return ledger.raiseCap({
                requestId: id,
                allowanceNano: amountNano * 2n,
                capHash: bytes(`raise ${of.amount}`),
                capCumulativeNano: amountNano * 4n,
                capSignature: bytes(`raise ${of.amount}`, 64),
                funds: balance,
            });
        case 'receipt':
        case 'checkpoint': {
            const fields = {
                sequence: of.sequence,
                cost: amountNano,
                cumulative: BigInt(of.sequence * 30 + (of.amount % 40)),
            };
            const final = of.what === 'receipt';
            const record = receipt(of.amount % 7 === 0 ? null : of.label, {
                ...fields,
                nodeKey: stream.nodeKey,
                final,
            });
            return ledger.recordReceipt({ ...record, escrow: stream.escrow });
        }
        case 'close':
            return ledger.closeRequest(id, 'refused', { atMs: 3 });
        case 'lost':
            return ledger.closeRequest(id, 'lost', { atMs: 3, failureCode: 'node_silent' });
        case 'take':
            return ledger.takeRequest(id, 4);
        case 'paid':
            return ledger.recordPaid(stream, { paidNano: amountNano, atMs: 5 });
        case 'release':
            return ledger.releaseNode(stream, 6);
        case 'restart':
            return ledger.markRunningLost(7);
    }
}

/** What came of it: a value, or the code of a refusal. */
async function outcome(act: Promise<unknown>): Promise<unknown> {
    return act.then(
        (value) => value ?? 'done',
        (error: unknown) => (error as { code?: string }).code ?? error,
    );
}

async function everything(ledger: DispatchLedger): Promise<unknown> {
    const streams = escrows.flatMap((account) => nodes.map((nodeKey) => ({ escrow: account, epoch: 7, nodeKey })));
    const withoutId = <T extends { id: bigint }>(of: T) => ({ ...of, id: 0n });
    const requests = await Promise.all(labels.map((label) => ledger.requestState(requestId(label))));
    return {
        requests: requests.map((of) => of && { ...of, receipt: of.receipt && withoutId(of.receipt) }),
        latest: (await Promise.all(streams.map((of) => ledger.latestReceipt(of)))).map((of) => of && withoutId(of)),
        caps: await Promise.all(streams.map((of) => ledger.highestCapNano(of))),
        open: await Promise.all(escrows.map((account) => ledger.outstandingNano(account, 7, funds(0n)))),
        finals: (await ledger.finalReceipts({ limit: 100 })).map(withoutId),
        evidence: (await ledger.contradictions()).map(({ kept, other }) => ({ kept: withoutId(kept), other })),
        totals: await ledger.totals(),
        unsettled: await ledger.unsettled(),
    };
}

/** Two dispatchers on a ledger that remembers nothing. */
function forgetfulLedgers(): DispatchLedger[] {
    const file = path.join(folder, `forgetful-${Math.random()}.sqlite`);
    return [0, 1].map((i) => new DispatchLedger(new ForgetfulStore({ file }), { dispatcherId: `d${i}` }));
}

/** Everything is written, and then the transaction fails. @param times unless it was decided on what others have changed */
function failSaves(times = Infinity): void {
    const changesIn = Object.getOwnPropertyDescriptor(SqliteSaver.prototype, 'changesIn')!.value as (
        this: SqliteSaver,
        set: WorkingSet,
    ) => PackedChange[];
    let failed = 0;
    jest.spyOn(SqliteSaver.prototype, 'changesIn').mockImplementation(function (this: SqliteSaver, set) {
        const changes = changesIn.call(this, set);
        return failed++ < times ? [...changes, [noSuchStatement, []]] : changes;
    });
}

afterEach(() => jest.restoreAllMocks());

describe('a ledger that remembers rows between batches', () => {
    it('decides as one that remembers nothing, with a second writer and failing commits in between', async () => {
        let [refused, done] = [0, 0];
        const property = fc.asyncProperty(fc.array(act, { minLength: 8, maxLength: 30 }), async (acts) => {
            const [options, forgetful] = [await newLedger(folder), forgetfulLedgers()];
            const writers = await Promise.all(
                [0, 1].map((i) => openDispatchLedger({ ...options, dispatcherId: `d${i}` })),
            );
            for (const of of acts) {
                if (of.fails && !onPostgres) {
                    failSaves();
                    expect(await outcome(perform(writers[of.writer]!, of))).toBe('ledger_write_failed');
                    jest.restoreAllMocks();
                }
                const expected = await outcome(perform(forgetful[of.writer]!, of));
                expect(await outcome(perform(writers[of.writer]!, of))).toEqual(expected);
                if (typeof expected === 'string' && /_/.test(expected)) refused += 1;
                else done += 1;
            }
            for (const writer of writers) expect(await everything(writer)).toEqual(await everything(forgetful[0]!));
            await Promise.all([...writers, ...forgetful].map((ledger) => ledger.close()));
        });
        await fc.assert(property, { numRuns: 25 });
        // Neither kind of outcome may be missing.
        expect(Math.min(refused, done)).toBeGreaterThan(30);
    }, 120_000);

    it('decides acts that come at once as if each had waited for the one before', async () => {
        // A checkpoint that is dropped may put a receipt off behind those that came after it.
        const inOrder = act.filter(({ what }) => what !== 'checkpoint');
        const wave = fc.record({
            acts: fc.array(inOrder, { minLength: 1, maxLength: 12 }),
            writer: fc.constantFrom(0, 0, 1),
            fails: fc.constantFrom(false, false, true),
        });
        let failed = 0;
        const property = fc.asyncProperty(fc.array(wave, { minLength: 2, maxLength: 4 }), async (waves) => {
            const [options, forgetful] = [await newLedger(folder), forgetfulLedgers()];
            const writers = await Promise.all(
                [0, 1].map((i) => openDispatchLedger({ ...options, dispatcherId: `d${i}`, maxBatch: 3 })),
            );
            for (const { acts, writer, fails } of waves) {
                if (fails && !onPostgres) failSaves(1);
                const outcomes = await Promise.all(acts.map((of) => outcome(perform(writers[writer]!, of))));
                jest.restoreAllMocks();
                // Those of a batch that failed have done nothing.
                const kept = acts.filter((_, i) => outcomes[i] !== 'ledger_write_failed');
                failed += acts.length - kept.length;
                const expected: unknown[] = [];
                for (const of of kept) expected.push(await outcome(perform(forgetful[writer]!, of)));
                expect(outcomes.filter((of) => of !== 'ledger_write_failed')).toEqual(expected);
            }
            for (const ledger of writers) expect(await everything(ledger)).toEqual(await everything(forgetful[0]!));
            await Promise.all([...writers, ...forgetful].map((ledger) => ledger.close()));
        });
        await fc.assert(property, { numRuns: 30 });
        if (!onPostgres) expect(failed).toBeGreaterThan(5);
    }, 120_000);
});
