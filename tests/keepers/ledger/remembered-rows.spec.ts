import { jest } from '@jest/globals';
import fc from 'fast-check';
import path from 'node:path';
import { type DispatchLedger, openDispatchLedger } from '../../../keepers/ledger';
import type { WorkingSet } from '../../../keepers/ledger/dispatch/working-set';
import { SqliteSaver } from '../../../keepers/ledger/sqlite/sqlite-saver';
import { newLedger, onPostgres } from '../../support/new-ledger';
import { cap, escrow, funds, nodeA, nodeB, receipt, requestId } from './ledger-records';
import { bytes } from './record-bytes';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
const labels = ['1', '2', '3', '4', '5'];
const nodes = [nodeA, nodeB];
const escrows = [escrow, bytes('another escrow')];

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

/** A ledger that remembers nothing: it is opened for each act. */
class Forgetful {
    private readonly file = path.join(folder, `forgetful-${Math.random()}.sqlite`);

    async use<T>(writer: number, act: (ledger: DispatchLedger) => Promise<T>): Promise<T> {
        const ledger = await openDispatchLedger({ file: this.file, dispatcherId: `d${writer}` });
        try {
            return await act(ledger);
        } finally {
            await ledger.close();
        }
    }
}

/** Everything is written, and then the disk is full. */
function failNextSave(): void {
    const save = Object.getOwnPropertyDescriptor(SqliteSaver.prototype, 'save')!.value as (
        this: SqliteSaver,
        set: WorkingSet,
    ) => void;
    jest.spyOn(SqliteSaver.prototype, 'save').mockImplementationOnce(function (this: SqliteSaver, set) {
        save.call(this, set);
        throw new Error('the disk is full');
    });
}

afterEach(() => jest.restoreAllMocks());

describe('a ledger that remembers rows between batches', () => {
    it('decides as one that is opened for each act, with a second writer and failing commits in between', async () => {
        let [refused, done] = [0, 0];
        const property = fc.asyncProperty(fc.array(act, { minLength: 8, maxLength: 30 }), async (acts) => {
            const [options, forgetful] = [await newLedger(folder), new Forgetful()];
            const writers = await Promise.all(
                [0, 1].map((i) => openDispatchLedger({ ...options, dispatcherId: `d${i}` })),
            );
            for (const of of acts) {
                if (of.fails && !onPostgres) {
                    failNextSave();
                    await expect(outcome(perform(writers[of.writer]!, of))).resolves.toBe('ledger_write_failed');
                }
                const expected = await forgetful.use(of.writer, (ledger) => outcome(perform(ledger, of)));
                expect(await outcome(perform(writers[of.writer]!, of))).toEqual(expected);
                if (typeof expected === 'string' && /_/.test(expected)) refused += 1;
                else done += 1;
            }
            for (const writer of writers) expect(await everything(writer)).toEqual(await forgetful.use(0, everything));
            await Promise.all(writers.map((writer) => writer.close()));
        });
        await fc.assert(property, { numRuns: 25 });
        // Neither kind of outcome may be missing.
        expect(Math.min(refused, done)).toBeGreaterThan(30);
    }, 120_000);
});
