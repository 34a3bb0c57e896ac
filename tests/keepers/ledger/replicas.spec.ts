import type { DispatchLedger } from '../../../keepers/ledger';
import { newLedger, openTestLedger } from '../../support/new-ledger';
import { cap, funds, nodeB, receipt, streamA } from './ledger-records';
import { temporaryFolder } from './temporary-folder';

const folder = temporaryFolder();

/** Two dispatchers on one ledger. */
async function replicas(): Promise<[DispatchLedger, DispatchLedger]> {
    const options = await newLedger(folder);
    return [
        await openTestLedger({ ...options, dispatcherId: 'first' }),
        await openTestLedger({ ...options, dispatcherId: 'second' }),
    ];
}

const idOf = (label: string) => cap(label, 1n).requestId;
const owedNano = (ledger: DispatchLedger) => ledger.outstandingNano(streamA.escrow, streamA.epoch, funds(0n));

describe('replicas of one ledger', () => {
    it('spend a reservation once, whichever of them is asked', async () => {
        const [first, second] = await replicas();
        const all = Array.from({ length: 20 }, (_, i) => cap(`${i}`, 100n, { worstCaseNano: 10n, funds: funds(95n) }));
        const outcomes = await Promise.allSettled(
            all.map((record, index) => (index % 2 === 0 ? first : second).recordCap(record)),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(9);
        expect(await owedNano(first)).toBe(90n);
    });

    it('refuse a request that another has taken already', async () => {
        const [first, second] = await replicas();
        const both = [first, second].map((ledger) => ledger.recordCap(cap('1', 10n)));
        const outcomes = await Promise.allSettled(both);
        const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
        expect(refused).toMatchObject([{ code: 'request_replayed' }]);
        expect(await owedNano(first)).toBe(10n);
    });

    it('take an id once, also where the second one names another escrow', async () => {
        const ledgers = await replicas();
        const escrows = Array.from({ length: 20 }, (_, i) => Buffer.alloc(32, i + 1));
        const outcomes = await Promise.allSettled(
            escrows.map((escrow, i) => ledgers[i % 2]!.recordCap(cap('1', 10n, { escrow }))),
        );
        const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as { code: string }] : []));
        expect(refused.map(({ code }) => code)).toEqual(Array.from({ length: 19 }, () => 'request_replayed'));
    });

    it('count one receipt once', async () => {
        const ledgers = await replicas();
        await ledgers[0].recordCap(cap('1', 50n));
        const record = receipt('1', { sequence: 1, cost: 5n, cumulative: 5n });
        const outcomes = await Promise.all([0, 1, 0, 1].map((i) => ledgers[i]!.recordReceipt(record)));
        expect(outcomes.sort()).toEqual(['known', 'known', 'known', 'recorded']);
        expect(await ledgers[1].totals()).toMatchObject({ finalReceipts: 1, costNano: 5n });
    });

    it('lose their own requests at a restart, not those of the others', async () => {
        const [first, second] = await replicas();
        await first.recordCap(cap('1', 10n));
        await second.recordCap(cap('2', 20n));
        expect(await first.markRunningLost(5)).toBe(1);
        expect((await first.requestState(idOf('2')))!.state).toBe('running');
    });

    it('take over what another relayed, with its reservation, and the other closes it no more', async () => {
        const [first, second] = await replicas();
        await first.recordCap(cap('1', 10n));
        await second.takeRequest(idOf('1'), 6);
        await first.closeRequest(idOf('1'), 'lost', { atMs: 7 });
        expect(await first.requestState(idOf('1'))).toMatchObject({ state: 'running', dispatcherId: 'second' });
        expect(await first.markRunningLost(8)).toBe(0);
        expect(await owedNano(second)).toBe(10n);
        await second.closeRequest(idOf('1'), 'failed', { atMs: 9 });
        expect(await owedNano(first)).toBe(0n);
    });

    it('take over what was given up as lost, once', async () => {
        const [first, second] = await replicas();
        await first.recordCap(cap('1', 10n));
        await first.closeRequest(idOf('1'), 'lost', { atMs: 5 });
        await second.takeRequest(idOf('1'), 6);
        await second.takeRequest(idOf('1'), 7);
        expect(await first.requestState(idOf('1'))).toMatchObject({ state: 'running', failureCode: null });
        expect(await owedNano(first)).toBe(10n);
    });

    it('leave a final request final, and take none that never began', async () => {
        const [first, second] = await replicas();
        await first.recordCap(cap('1', 50n));
        await first.recordReceipt(receipt('1', { sequence: 1, cost: 5n, cumulative: 5n }));
        await second.takeRequest(idOf('1'), 6);
        expect((await first.requestState(idOf('1')))!.state).toBe('final');
        expect(await owedNano(second)).toBe(5n);
        await first.recordCap(cap('2', 60n));
        await first.closeRequest(idOf('2'), 'refused', { atMs: 7 });
        await expect(second.takeRequest(idOf('2'), 8)).rejects.toMatchObject({ code: 'request_state_invalid' });
        await expect(second.takeRequest(idOf('3'), 8)).rejects.toMatchObject({ code: 'request_unknown' });
    });

    it('name the streams of which something is open for long', async () => {
        const [first] = await replicas();
        await first.recordCap(cap('1', 10n, { atMs: 100 }));
        await first.recordCap(cap('2', 20n, { atMs: 200 }));
        await first.recordCap(cap('3', 20n, { atMs: 50, nodeKey: nodeB }));
        await first.closeRequest(idOf('3'), 'failed', { atMs: 60 });
        expect(await first.streamsOpenSince(100)).toEqual([]);
        const { escrow, epoch, nodeKey } = streamA;
        expect(await first.streamsOpenSince(101)).toEqual([{ stream: { escrow, epoch, nodeKey }, sinceMs: 100 }]);
    });
});

describe('leases', () => {
    it('are held by one at a time, until they run out or are released', async () => {
        const [{ leases: first }, { leases: second }] = await replicas();
        expect(await first.hold('leader', 'a', 60_000)).toBe(true);
        expect(await second.hold('leader', 'b', 60_000)).toBe(false);
        expect(await first.hold('leader', 'a', 0)).toBe(true);
        expect(await second.hold('leader', 'b', 60_000)).toBe(true);
        expect(await first.hold('leader', 'a', 60_000)).toBe(false);
        await first.release('leader', 'a');
        expect(await first.hold('leader', 'a', 60_000)).toBe(false);
        await second.release('leader', 'b');
        expect(await first.hold('leader', 'a', 60_000)).toBe(true);
    });

    it('go to one of many that want them at once', async () => {
        const [{ leases: first }, { leases: second }] = await replicas();
        const wanted = Array.from({ length: 20 }, (_, i) =>
            (i % 2 === 0 ? first : second).hold('leader', `${i}`, 60_000),
        );
        expect((await Promise.all(wanted)).filter(Boolean)).toHaveLength(1);
    });

    it('are seized by who comes after, and listed with the database’s time', async () => {
        const [{ leases }] = await replicas();
        await leases.hold('replica a', 'one', 60_000);
        await leases.hold('replica b', 'two', 60_000);
        await leases.hold('leader', 'x', 60_000);
        await leases.seize('replica a', 'three', 1_000);
        const { nowMs, leases: found } = await leases.list('replica ');
        expect(found.map(({ name, holder }) => [name, holder])).toEqual([
            ['replica a', 'three'],
            ['replica b', 'two'],
        ]);
        expect(found[0]!.expiresAtMs - nowMs).toBeLessThanOrEqual(1_000);
    });
});
