import { jest } from '@jest/globals';
import path from 'node:path';
import { type DispatchLedger, openDispatchLedger } from '../../../keepers/ledger';
import { heldSyncs, turns } from './held-syncs';
import { cap, requestId } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();
let files = 0;

/** Whether it has settled by now. */
function settled(promise: Promise<unknown>): { yet: boolean } {
    const state = { yet: false };
    promise.then(
        () => (state.yet = true),
        () => (state.yet = true),
    );
    return state;
}

describe("the sync of a SQLite ledger's log", () => {
    let file: string;
    let ledger: DispatchLedger;
    beforeEach(async () => {
        file = path.join(folder, `${files++}.sqlite`);
        ledger = await openDispatchLedger({ file });
    });
    afterEach(async () => {
        jest.restoreAllMocks();
        await ledger.close();
    });

    it('comes before anybody is told, readers too', async () => {
        const held = heldSyncs();
        const recorded = ledger.recordCap(cap('1', 5n));
        const told = settled(recorded);
        await turns();
        const read = ledger.requestState(requestId('1'));
        const seen = settled(read);
        await turns();
        expect([held.length, told.yet, seen.yet]).toEqual([1, false, false]);
        held[0]!(null);
        await recorded;
        expect(await read).toMatchObject({ state: 'running' });
    });

    it('covers only what was written before it began, and the next one everybody who waits', async () => {
        const held = heldSyncs();
        const first = ledger.recordCap(cap('1', 5n));
        await turns();
        const [second, third] = [ledger.recordCap(cap('2', 10n)), settled(turns())];
        await turns();
        const later = ledger.recordCap(cap('3', 15n));
        const told = [second, later].map(settled);
        await turns();
        expect(third.yet).toBe(true);
        expect(held).toHaveLength(1);
        held[0]!(null);
        await first;
        await turns();
        expect(held).toHaveLength(2);
        expect(told.map(({ yet }) => yet)).toEqual([false, false]);
        held[1]!(null);
        await Promise.all([second, later]);
        expect(held).toHaveLength(2);
    });

    it('follows a transaction of its own as well', async () => {
        const held = heldSyncs();
        const leased = ledger.leases.hold('leader', 'me', 1_000);
        const told = settled(leased);
        await turns();
        expect([held.length, told.yet]).toEqual([1, false]);
        held[0]!(null);
        expect(await leased).toBe(true);
    });

    it('is waited for when the ledger is closed', async () => {
        const held = heldSyncs();
        const recorded = ledger.recordCap(cap('1', 5n));
        await turns();
        const closed = ledger.close();
        const over = settled(closed);
        await turns();
        expect(over.yet).toBe(false);
        held[0]!(null);
        await Promise.all([recorded, closed]);
    });

    it('fails for good: the ledger takes nothing more until it is opened again', async () => {
        const failures: unknown[] = [];
        const observed = await openDispatchLedger({ file, onCommitFailure: (error) => void failures.push(error) });
        const held = heldSyncs();
        const [first, second] = [
            observed.recordCap(cap('1', 5n)),
            turns().then(() => observed.recordCap(cap('2', 9n))),
        ];
        const outcomes = Promise.allSettled([first, second]);
        await turns();
        await turns();
        held[0]!(Object.assign(new Error('EIO'), { code: 'EIO' }));
        const unusable = { status: 'rejected', reason: { code: 'ledger_unusable', action: 'stop' } };
        expect(await outcomes).toMatchObject([unusable, unusable]);
        jest.restoreAllMocks();
        await expect(observed.recordCap(cap('3', 5n))).rejects.toMatchObject({ code: 'ledger_unusable' });
        await expect(observed.requestState(requestId('1'))).rejects.toMatchObject({ code: 'ledger_unusable' });
        expect(failures).toHaveLength(3);
        await observed.close();
        await ledger.recordCap(cap('4', 5n));
        expect(await ledger.requestState(requestId('4'))).toMatchObject({ state: 'running' });
    });
});
