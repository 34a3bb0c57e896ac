import { temporaryFolder } from './temporary-folder';
import { cap, escrow, funds, receipt, requestId, streamB } from './ledger-records';
import { newLedger, openTestLedger } from '../../support/new-ledger';

const folder = temporaryFolder();

/** What is submitted in one turn shares a transaction. */
async function openCounted() {
    const batches: number[] = [];
    const ledger = await openTestLedger({
        ...(await newLedger(folder)),
        onCommit: (_tookMs, operations) => void batches.push(operations),
    });
    return { ledger, batches };
}

const outcomes = (settled: PromiseSettledResult<unknown>[]) =>
    settled.map((one) => (one.status === 'fulfilled' ? (one.value ?? 'done') : (one.reason as { code: string }).code));

describe('what one batch says of one request', () => {
    it('is decided in the order in which it came', async () => {
        const { ledger, batches } = await openCounted();
        const settled = await Promise.allSettled([
            ledger.closeRequest(requestId('1'), 'lost', { atMs: 1 }),
            ledger.recordCap(cap('1', 90n)),
            ledger.recordCap(cap('2', 20n, { requestId: requestId('1') })),
            ledger.recordReceipt(receipt('1', { sequence: 1, cost: 5n, cumulative: 5n })),
            ledger.closeRequest(requestId('1'), 'failed', { atMs: 3 }),
            ledger.recordCap(cap('1', 90n)),
        ]);
        expect(outcomes(settled)).toEqual([
            'request_unknown',
            'done',
            'request_replayed',
            'recorded',
            'done',
            'request_replayed',
        ]);
        expect(batches).toEqual([6]);
        expect(await ledger.requestState(requestId('1'))).toMatchObject({ state: 'final', receipt: { final: true } });
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(5n);
    });

    it('leaves the id of a refused cap free', async () => {
        const { ledger, batches } = await openCounted();
        const settled = await Promise.allSettled([
            ledger.recordCap(cap('1', 101n, { funds: funds(100n) })),
            ledger.recordCap(cap('1', 60n, { funds: funds(100n) })),
            ledger.recordCap(cap('2', 41n, { ...streamB, funds: funds(100n) })),
            ledger.recordCap(cap('2', 40n, { ...streamB, funds: funds(100n) })),
        ]);
        expect(outcomes(settled)).toEqual(['escrow_insufficient', 'done', 'escrow_insufficient', 'done']);
        expect(batches).toEqual([4]);
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(100n);
    });

    it('counts in the next batch, and after the ledger was opened again', async () => {
        const options = await newLedger(folder);
        const first = await openTestLedger(options);
        await Promise.all([
            first.recordCap(cap('1', 60n)),
            first.recordReceipt(receipt('1', { sequence: 1, cost: 60n, cumulative: 60n })),
            first.recordCap(cap('2', 30n)),
        ]);
        await expect(first.recordCap(cap('1', 90n))).rejects.toMatchObject({ code: 'request_replayed' });
        await first.close();
        const again = await openTestLedger(options);
        const settled = await Promise.allSettled([
            again.recordCap(cap('1', 90n)),
            again.recordCap(cap('2', 90n)),
            again.recordReceipt(receipt('2', { sequence: 2, cost: 10n, cumulative: 70n })),
        ]);
        expect(outcomes(settled)).toEqual(['request_replayed', 'request_replayed', 'recorded']);
        expect(await again.outstandingNano(escrow, 7, funds(0n))).toBe(70n);
    });
});
