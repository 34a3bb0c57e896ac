import fc from 'fast-check';
import { temporaryFolder } from './temporary-folder';
import { bytes } from './record-bytes';
import { cap, escrow, funds, nodeA, nodeB, receipt, requestId, streamA, streamB } from './ledger-records';
import { newLedger, openNewLedger, openTestLedger } from '../../support/new-ledger';

const folder = temporaryFolder();
const open = () => openNewLedger(folder);

describe('DispatchLedger: caps', () => {
    it('refuses a request id seen before', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 10n));
        const sameId = cap('2', 20n, { requestId: requestId('1') });
        await expect(ledger.recordCap(sameId)).rejects.toMatchObject({ code: 'request_replayed' });
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(10n);
    });

    it('keeps the sum over nodes within the balance, to the nanoTON', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 60n, { funds: funds(100n) }));
        const tooMuch = cap('2', 41n, { ...streamB, funds: funds(100n) });
        await expect(ledger.recordCap(tooMuch)).rejects.toMatchObject({ code: 'escrow_insufficient' });
        await ledger.recordCap(cap('2', 40n, { ...streamB, funds: funds(100n) }));
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(100n);
    });

    it('counts what was paid on chain as no longer owed', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 60n));
        await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 60n, cumulative: 60n }));
        const next = cap('2', 100n, { funds: funds(40n, [[nodeA, 60n]]) });
        await ledger.recordCap(next);
        await expect(ledger.recordCap(cap('3', 101n, { funds: next.funds }))).rejects.toMatchObject({
            code: 'escrow_insufficient',
        });
    });

    it('frees with a final receipt what the request did not use', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 90n, { funds: funds(100n) }));
        await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 5n, cumulative: 5n }));
        await ledger.recordCap(cap('2', 95n, { ...streamB, funds: funds(100n) }));
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(100n);
    });

    it('frees a refused request, keeps a lost one until its node expires', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 90n));
        await ledger.recordCap(cap('2', 100n));
        await ledger.closeRequest(requestId('1'), 'refused', { failureCode: 'node_busy', atMs: 2 });
        await ledger.closeRequest(requestId('2'), 'lost', { failureCode: 'node_lost', atMs: 2 });
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(10n);
        expect(await ledger.requestState(requestId('1'))).toMatchObject({ state: 'refused', failureCode: 'node_busy' });
        expect(await ledger.releaseNode(streamA, 3)).toBe(1);
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(0n);
    });

    it('marks running requests lost after a restart, and still takes their receipts', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 90n));
        expect(await ledger.markRunningLost(2)).toBe(1);
        expect((await ledger.requestState(requestId('1')))!.state).toBe('lost');
        await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 5n, cumulative: 5n }));
        expect(await ledger.requestState(requestId('1'))).toMatchObject({ state: 'final', receipt: { final: true } });
        expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(5n);
    });

    it('stores 63-bit amounts exactly and refuses larger ones', async () => {
        const ledger = await open();
        const large = (1n << 63n) - 1n;
        await ledger.recordCap(cap('1', large, { funds: funds(large) }));
        expect((await ledger.requestState(requestId('1')))!.capCumulativeNano).toBe(large);
        await expect(ledger.recordCap(cap('2', large + 1n))).rejects.toMatchObject({ code: 'record_invalid' });
    });

    it('owes per node what an independent recomputation says, whatever the order of events', async () => {
        const step = fc.record({ node: fc.boolean(), worst: fc.bigInt(1n, 400n), share: fc.nat(100), end: fc.nat(3) });
        await fc.assert(
            fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
                const ledger = await open();
                const owed = new Map([nodeA, nodeB].map((key) => [key, { done: 0n, open: 0n, sequence: 0 }]));
                for (const [i, { node, worst, share, end }] of steps.entries()) {
                    const key = node ? nodeA : nodeB;
                    const account = owed.get(key)!;
                    const sum = [...owed.values()].reduce((total, { done, open: held }) => total + done + held, worst);
                    const record = cap(`${i}`, account.done + account.open + worst, {
                        nodeKey: key,
                        funds: funds(1_000n),
                    });
                    const accepted = await ledger.recordCap(record).then(
                        () => true,
                        () => false,
                    );
                    expect(accepted).toBe(sum <= 1_000n);
                    if (!accepted) continue;
                    if (end === 0) {
                        account.open += worst;
                    } else if (end === 1) {
                        await ledger.closeRequest(requestId(`${i}`), 'refused', { atMs: 1 });
                    } else {
                        const cost = (worst * BigInt(share)) / 100n;
                        account.done += cost;
                        const fields = { sequence: ++account.sequence, cost, cumulative: account.done, nodeKey: key };
                        expect(await ledger.recordReceipt(receipt(`${i}`, fields))).toBe('recorded');
                    }
                }
                const total = [...owed.values()].reduce((sum, { done, open: held }) => sum + done + held, 0n);
                expect(await ledger.outstandingNano(escrow, 7, funds(0n))).toBe(total);
                await ledger.close();
            }),
            { numRuns: 25 },
        );
    });
});

describe('DispatchLedger: receipts', () => {
    it('keeps every final receipt and the newest checkpoint only', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 50n));
        await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 5n, cumulative: 5n, final: false }));
        await ledger.recordReceipt(receipt('1', { sequence: 2, cost: 9n, cumulative: 9n, final: false }));
        expect(await ledger.requestState(requestId('1'))).toMatchObject({
            state: 'running',
            receipt: null,
            checkpoint: { receipt: { sequence: 2, cumulativeNano: 9n } },
        });
        await ledger.recordReceipt(receipt('1', { sequence: 3, cost: 12n, cumulative: 12n }));
        expect(await ledger.requestState(requestId('1'))).toMatchObject({
            state: 'final',
            checkpoint: null,
            receipt: { receipt: { sequence: 3 } },
        });
        expect(await ledger.finalReceipts({ limit: 10 })).toHaveLength(1);
        expect((await ledger.latestReceipt(streamA))!.receipt.sequence).toBe(3);
        expect(await ledger.totals()).toEqual({ finalReceipts: 1, costNano: 12n, paidNano: 0n });
    });

    it('answers a repeated receipt without counting it twice', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 50n));
        const record = receipt('1', { sequence: 1, cost: 5n, cumulative: 5n });
        expect(await ledger.recordReceipt(record)).toBe('recorded');
        expect(await ledger.recordReceipt(record)).toBe('known');
        expect((await ledger.totals()).finalReceipts).toBe(1);
    });

    it.each([
        ['the same sequence with another amount', { sequence: 5, cost: 6n, cumulative: 6n }],
        ['a higher sequence with a lower cumulative', { sequence: 6, cost: 1n, cumulative: 4n }],
        ['a lower sequence with a higher cumulative', { sequence: 4, cost: 1n, cumulative: 6n }],
    ])('keeps %s as evidence and settles neither more nor less', async (_name, fields) => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 50n));
        await ledger.recordCap(cap('2', 80n));
        await ledger.recordReceipt(receipt('1', { sequence: 5, cost: 5n, cumulative: 5n }));
        expect(await ledger.recordReceipt(receipt('2', fields))).toBe('contradicts');
        expect(await ledger.contradictions()).toMatchObject([
            {
                kept: { receipt: { sequence: 5, cumulativeNano: 5n } },
                other: { receipt: { sequence: fields.sequence, cumulativeNano: fields.cumulative } },
            },
        ]);
        expect(await ledger.settleable()).toMatchObject([{ receipt: { sequence: 5, cumulativeNano: 5n } }]);
    });

    it('takes late receipts in any order and keeps the highest sequence as latest', async () => {
        const ledger = await open();
        await ledger.recordReceipt(receipt(null, { sequence: 3, cost: 5n, cumulative: 15n }));
        await ledger.recordReceipt(receipt(null, { sequence: 2, cost: 5n, cumulative: 10n }));
        expect((await ledger.latestReceipt(streamA))!.receipt.cumulativeNano).toBe(15n);
        expect(await ledger.finalReceipts({ limit: 10 })).toHaveLength(2);
    });
});

describe('DispatchLedger: settling', () => {
    it('pairs the latest receipt with the highest cap of the session key it names', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 50n));
        await ledger.recordCap(cap('2', 90n));
        await ledger.recordCap(cap('3', 95n, { sessionKey: bytes('next session') }));
        await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 30n, cumulative: 30n }));
        expect(await ledger.settleable()).toMatchObject([
            { receipt: { cumulativeNano: 30n }, cap: { capCumulativeNano: 90n, requestHash: bytes('hash 2') } },
        ]);
    });

    it('forgets a stream that is paid and keeps the paid sum from falling', async () => {
        const ledger = await open();
        await ledger.recordCap(cap('1', 50n));
        await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 30n, cumulative: 30n }));
        await ledger.recordPaid(streamA, { paidNano: 30n, transactionHash: 'aa', atMs: 3 });
        await ledger.recordPaid(streamA, { paidNano: 10n, atMs: 4 });
        expect(await ledger.settleable()).toEqual([]);
        expect((await ledger.totals()).paidNano).toBe(30n);
    });

    it('is seen by a second process that opens the same ledger', async () => {
        const options = await newLedger(folder);
        const dispatcher = await openTestLedger(options);
        const settler = await openTestLedger(options);
        await dispatcher.recordCap(cap('1', 50n));
        await dispatcher.recordReceipt(receipt('1', { sequence: 1, cost: 30n, cumulative: 30n }));
        expect(await settler.settleable()).toHaveLength(1);
        await settler.recordPaid(streamA, { paidNano: 30n, atMs: 3 });
        expect(await dispatcher.settleable()).toEqual([]);
    });
});

describe('DispatchLedger: what is watched', () => {
    it('sums what the chain has not paid, up to the cap, and knows since when', async () => {
        const ledger = await open();
        expect(await ledger.unsettled()).toEqual({ streams: 0, owedNano: 0n, oldestAtMs: null });
        await ledger.recordCap(cap('1', 60n));
        await ledger.recordReceipt(receipt('1', { sequence: 1, cost: 40n, cumulative: 40n }));
        const { streams, owedNano, oldestAtMs } = await ledger.unsettled();
        expect([streams, owedNano]).toEqual([1, 40n]);
        expect(oldestAtMs).not.toBeNull();
        await ledger.recordPaid(streamA, { paidNano: 15n, atMs: 9 });
        expect(await ledger.unsettled()).toEqual({ streams: 1, owedNano: 25n, oldestAtMs });
        await ledger.recordPaid(streamA, { paidNano: 40n, atMs: 9 });
        expect(await ledger.unsettled()).toEqual({ streams: 0, owedNano: 0n, oldestAtMs: null });
    });

    it('tells of every commit and of how many operations it had', async () => {
        const commits: number[] = [];
        const failures: unknown[] = [];
        const ledger = await openTestLedger({
            ...(await newLedger(folder)),
            onCommit: (_tookMs, operations) => commits.push(operations),
            onCommitFailure: (error) => failures.push(error),
        });
        await Promise.all([ledger.recordCap(cap('1', 10n)), ledger.recordCap(cap('2', 20n))]);
        expect(commits.reduce((sum, operations) => sum + operations, 0)).toBe(2);
        expect(failures).toEqual([]);
    });
});
