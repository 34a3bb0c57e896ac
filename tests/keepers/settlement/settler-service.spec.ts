import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toNano } from '@ton/core';
import { Registry } from 'prom-client';
import { type DispatchLedger, NodeLog } from '../../../keepers/ledger';
import { SettlerService } from '../../../keepers/settlement';
import { SettlerMetrics } from '../../../keepers/telemetry';
import { type NetworkReader, transactionsSince, type WalletKey, walletKeyFromSeed } from '../../../keepers/chain';
import { seedOf, useDevnet } from '../chain/devnet-fixture';
import { temporaryFolder } from '../ledger/temporary-folder';
import { useTemporarySenders } from '../outbox/temporary-sender';
import { createHub, type EscrowFixture, type HubFixture } from './hub-fixture';
import { type TestKey } from '../../contracts/support/ed25519';
import { openNewLedger } from '../../support/new-ledger';

const fixture = useDevnet();
const folder = temporaryFolder();
const senders = useTemporarySenders();
let hub: HubFixture;
let nodes: TestKey[];
let counter = 0;

beforeAll(async () => {
    hub = await createHub(fixture);
    nodes = [await hub.admitNode('node one'), await hub.admitNode('node two')];
});

interface Settling {
    ledger?: DispatchLedger;
    nodeLogFiles?: string[];
    key?: WalletKey;
    reader?: NetworkReader;
    metrics?: SettlerMetrics;
}

function createSettler(options: Settling): SettlerService {
    const reader = fixture.reader(hub.registry.address);
    return new SettlerService({
        client: fixture.client,
        reader,
        sender: senders.open({
            client: fixture.client,
            key: options.key ?? hub.settlerKey,
            outbox: options.ledger?.outbox,
        }),
        hub: hub.hub.address,
        intervalMs: 50,
        ...options,
    });
}

async function ledgerWith(work: [EscrowFixture, TestKey, bigint][]): Promise<DispatchLedger> {
    counter += 1;
    const ledger = await openNewLedger(folder);
    for (const [escrow, node, amountNano] of work) {
        await ledger.recordCap(escrow.cap(node, amountNano + 5n + BigInt(counter)));
        await ledger.recordReceipt(escrow.receipt(node, 1, amountNano));
    }
    return ledger;
}

/** What the second node earned, receipt after receipt. */
async function nodeLogWith(work: readonly [EscrowFixture, bigint][]): Promise<string> {
    counter += 1;
    const file = path.join(folder, `node-${counter}.log`);
    const log = await NodeLog.open(file);
    for (const [sequence, [escrow, amountNano]] of work.entries()) {
        const { escrow: account, epoch, receipt, signature } = escrow.receipt(nodes[1]!, sequence, amountNano);
        const cap = escrow.cap(nodes[1]!, amountNano);
        await log.append({ escrow: account, epoch, receipt, signature, cap, final: true, atMs: 0 });
    }
    await log.close();
    return file;
}

/** Of the first client a TON, of the second two; how the chain is read is a test's to change. */
async function twoOwing(...names: [string, string]) {
    const [good, bad] = [await hub.openEscrow(names[0], toNano('20')), await hub.openEscrow(names[1], toNano('20'))];
    const ledger = await ledgerWith([
        [good, nodes[0]!, toNano('1')],
        [bad, nodes[0]!, toNano('2')],
    ]);
    const reader = fixture.reader(hub.registry.address);
    return { good, bad, ledger, reader, read: reader.escrow.bind(reader) };
}

async function paid(escrow: EscrowFixture, node: TestKey): Promise<bigint> {
    return fixture.client.open(escrow.escrow).getPaid(node.publicKey);
}

describe('SettlerService on a devnet', () => {
    it('settles every owed nanoTON once, over nodes and escrows, and knows it', async () => {
        const alice = await hub.openEscrow('alice', toNano('20'));
        const bob = await hub.openEscrow('bob', toNano('20'));
        const ledger = await ledgerWith([
            [alice, nodes[0]!, toNano('1')],
            [alice, nodes[1]!, toNano('2')],
            [bob, nodes[0]!, toNano('3') + 1n],
        ]);
        const settler = createSettler({ ledger });
        const summary = await settler.settleOnce({ force: true });
        expect(summary).toMatchObject({
            batches: 2,
            lines: 3,
            settledNano: toNano('6') + 1n,
            outstandingNano: 0n,
            failures: [],
        });
        expect(summary.costNano).toBeGreaterThan(0n);
        expect(summary.costNano).toBeLessThan(toNano('0.5'));
        expect(await paid(alice, nodes[1]!)).toBe(toNano('2'));
        expect(await ledger.settleable()).toEqual([]);
        expect(await ledger.outbox.open('settle')).toEqual([]);
        expect(await settler.settleOnce({ force: true })).toMatchObject({ batches: 0, settledNano: 0n });
        await ledger.close();
    });

    it('pays once when two settlers race', async () => {
        const escrow = await hub.openEscrow('carol', toNano('20'));
        const work: [EscrowFixture, TestKey, bigint][] = [[escrow, nodes[0]!, toNano('4')]];
        const settlers = [await ledgerWith(work), await ledgerWith(work)].map((ledger) => createSettler({ ledger }));
        const summaries = await Promise.all(settlers.map((settler) => settler.settleOnce({ force: true })));
        expect(summaries.flatMap(({ failures }) => failures)).toEqual([]);
        expect(await paid(escrow, nodes[0]!)).toBe(toNano('4'));
        const { balanceNano } = await fixture.client.open(escrow.escrow).getState();
        expect(balanceNano).toBeLessThan(toNano('16.2'));
        expect(balanceNano).toBeGreaterThanOrEqual(toNano('16'));
    });

    it('pays for one message where two settlers of one ledger are at it, round after round', async () => {
        const escrows = [await hub.openEscrow('cleo', toNano('20')), await hub.openEscrow('cora', toNano('20'))];
        const ledger = await ledgerWith(escrows.map((escrow) => [escrow, nodes[0]!, toNano('4')]));
        const second = await fixture.wallet('second settler');
        const first = await fixture.wallet('settler', 0n);
        const settlers = [undefined, walletKeyFromSeed(seedOf('second settler'))].map((key) =>
            createSettler({ ledger, key }),
        );
        const { lastTransaction } = await fixture.client.getAccount(hub.hub.address);
        for (let round = 0; round < 3; round++) {
            const summaries = await Promise.all(settlers.map((settler) => settler.settleOnce({ force: true })));
            expect(summaries.flatMap(({ failures }) => failures)).toEqual([]);
        }
        const since = await transactionsSince(fixture.client, hub.hub.address, { fromLt: lastTransaction!.lt });
        const settlersOwn = [first, second].map(({ address }) => address.toRawString());
        const sent = since.filter(({ inMessage }) => {
            const { info } = inMessage!;
            return info.type === 'internal' && settlersOwn.includes(info.src.toRawString());
        });
        expect(sent).toHaveLength(escrows.length);
        for (const escrow of escrows) expect(await paid(escrow, nodes[0]!)).toBe(toNano('4'));
        await ledger.close();
    });

    it('reports no failure where another settler of the same ledger was the first to see it paid', async () => {
        const escrow = await hub.openEscrow('carla', toNano('20'));
        const ledger = await ledgerWith([[escrow, nodes[0]!, toNano('4')]]);
        const open = await ledger.settleable();
        jest.spyOn(ledger, 'settleable').mockResolvedValueOnce(open).mockResolvedValue([]);
        const summary = await createSettler({ ledger }).settleOnce({ force: true });
        expect(summary).toMatchObject({ batches: 1, settledNano: toNano('4'), outstandingNano: 0n, failures: [] });
        await ledger.close();
    });

    it("settles from a node's log alone, with no dispatcher left", async () => {
        const escrow = await hub.openEscrow('dave', toNano('20'));
        const file = await nodeLogWith([
            [escrow, toNano('1')],
            [escrow, toNano('2.5')],
        ]);
        const summary = await createSettler({ nodeLogFiles: [file] }).settleOnce({ force: true });
        expect(summary).toMatchObject({ batches: 1, lines: 1, settledNano: toNano('2.5') });
        expect(await paid(escrow, nodes[1]!)).toBe(toNano('2.5'));
    });

    it('settles from the ledger and from all logs that can be read, and names every other until it can', async () => {
        const [ofLog, ofLedger] = [
            await hub.openEscrow('dagny', toNano('20')),
            await hub.openEscrow('dario', toNano('20')),
        ];
        const [good, damaged, late] = [
            await nodeLogWith([[ofLog, toNano('1')]]),
            await nodeLogWith([[ofLog, toNano('2')]]),
            await nodeLogWith([
                [ofLog, toNano('1')],
                [ofLog, toNano('3')],
            ]),
        ];
        writeFileSync(damaged, readFileSync(damaged, 'utf8').replace(/^./, '#'));
        const missing = path.join(folder, 'not-yet.log');
        const ledger = await ledgerWith([[ofLedger, nodes[0]!, toNano('4')]]);
        const settler = createSettler({ ledger, nodeLogFiles: [missing, damaged, folder, good] });
        const first = await settler.settleOnce({ force: true });
        expect(Object.fromEntries(first.unreadableLogs.map(({ file, code }) => [file, code]))).toEqual({
            [missing]: 'log_missing',
            [damaged]: 'log_corrupt',
            [folder]: 'log_unreadable',
        });
        expect([...first.failures].sort()).toEqual(['log_corrupt', 'log_missing', 'log_unreadable']);
        expect(first.settledNano).toBe(toNano('5'));
        expect([await paid(ofLog, nodes[1]!), await paid(ofLedger, nodes[0]!)]).toEqual([toNano('1'), toNano('4')]);
        copyFileSync(late, missing);
        const second = await settler.settleOnce({ force: true });
        expect(second.unreadableLogs.map(({ file }) => file).sort()).toEqual([damaged, folder].sort());
        expect(await paid(ofLog, nodes[1]!)).toBe(toNano('3'));
        await ledger.close();
    });

    it('shows the code of a round that came to nothing', async () => {
        const ledger = await ledgerWith([]);
        const reader = fixture.reader(hub.registry.address);
        jest.spyOn(reader, 'hub').mockResolvedValue(null);
        const metrics = new SettlerMetrics(new Registry());
        const settler = createSettler({ ledger, reader, metrics });
        await expect(settler.settleOnce()).rejects.toMatchObject({ code: 'hub_unknown' });
        expect(metrics.lastRound).toMatchObject({ failuresInARow: 1, lastFailures: ['hub_unknown'] });
        await ledger.close();
    });

    it("settles what a node's log holds of further hubs at those hubs, in the same round", async () => {
        const further = await hub.another(1, { name: 'node two', key: nodes[1]! });
        const here = await hub.openEscrow('dan', toNano('20'));
        const there = await further.openEscrow('dora', toNano('20'));
        const file = await nodeLogWith([
            [here, toNano('1')],
            [there, toNano('3')],
        ]);
        const settler = createSettler({ nodeLogFiles: [file] });
        const summary = await settler.settleOnce({ force: true });
        expect(summary).toMatchObject({ batches: 2, lines: 2, settledNano: toNano('4'), failures: [] });
        expect(await paid(here, nodes[1]!)).toBe(toNano('1'));
        expect(await paid(there, nodes[1]!)).toBe(toNano('3'));
        expect(await settler.settleOnce({ force: true })).toMatchObject({
            batches: 0,
            skipped: { nothing_owed: 2, escrow_unknown: 0 },
        });
    });

    it('closes what was recorded for another hub by what that hub shows', async () => {
        const further = await hub.another(2, { name: 'node two', key: nodes[1]! });
        const there = await further.openEscrow('della', toNano('20'));
        const file = await nodeLogWith([[there, toNano('3')]]);
        const ledger = await ledgerWith([]);
        const crashed = createSettler({ ledger, nodeLogFiles: [file] });
        const broken = jest.spyOn(ledger.outbox, 'close').mockRejectedValue(new Error('killed'));
        await expect(crashed.settleOnce({ force: true })).rejects.toThrow('killed');
        broken.mockRestore();
        expect(await ledger.outbox.open('settle')).toHaveLength(1);
        // No receipt of that hub is left to look at: only the record itself says where it was sent.
        expect(await createSettler({ ledger }).settleOnce({ force: true })).toMatchObject({ batches: 0 });
        expect(await ledger.outbox.open('settle')).toEqual([]);
        const closed = await ledger.outbox.closed('settle', { state: 'confirmed', sinceMs: 0 });
        expect(closed).toHaveLength(1);
        await ledger.close();
    });

    it('settles at home where another hub can not be read', async () => {
        const further = await hub.another(3, { name: 'node two', key: nodes[1]! });
        const here = await hub.openEscrow('dina', toNano('20'));
        const there = await further.openEscrow('dolly', toNano('20'));
        const file = await nodeLogWith([
            [there, toNano('3')],
            [here, toNano('1')],
        ]);
        const reader = fixture.reader(hub.registry.address);
        const hubOf = reader.hub.bind(reader);
        jest.spyOn(reader, 'hub').mockImplementation((address, read) =>
            address.equals(further.hub.address) ? Promise.resolve(null) : hubOf(address, read),
        );
        const summary = await createSettler({ nodeLogFiles: [file], reader }).settleOnce({ force: true });
        expect(summary).toMatchObject({ batches: 1, settledNano: toNano('1'), failures: ['hub_unknown'] });
        expect(await paid(here, nodes[1]!)).toBe(toNano('1'));
    });

    it('settles at all other escrows where one can not be read, and says so; where none can, that fails the round', async () => {
        const { good, bad, ledger, reader, read } = await twoOwing('doris', 'dirk');
        const unreadable = [bad.escrow.address];
        jest.spyOn(reader, 'escrow').mockImplementation((query) =>
            unreadable.some((address) => address.equals(query.address))
                ? Promise.reject(new Error('no server knows'))
                : read(query),
        );
        const settler = createSettler({ ledger, reader });
        const first = await settler.settleOnce({ force: true });
        expect(first).toMatchObject({ settledNano: toNano('1'), skipped: { escrow_unreadable: 1 } });
        expect([await paid(good, nodes[0]!), await paid(bad, nodes[0]!)]).toEqual([toNano('1'), 0n]);
        unreadable.push(good.escrow.address);
        await expect(settler.settleOnce({ force: true })).rejects.toThrow('no server knows');
        unreadable.length = 0;
        expect(await settler.settleOnce({ force: true })).toMatchObject({ settledNano: toNano('2') });
        await ledger.close();
    });

    it('signs nothing where an escrow turns unreadable before it, and holds none of its lines', async () => {
        const { bad, ledger, reader, read } = await twoOwing('ilse', 'ingo');
        let looks = 0;
        jest.spyOn(reader, 'escrow').mockImplementation(async (query) => {
            const snapshot = await read(query);
            if (!query.address.equals(bad.escrow.address)) return snapshot;
            looks += 1;
            // So long that the settler looks again before it signs; that time nobody knows.
            if (looks === 1) await new Promise((resolve) => setTimeout(resolve, 1_600));
            if (looks === 2) throw new Error('no server knows');
            return snapshot;
        });
        const settler = createSettler({ ledger, reader });
        const first = await settler.settleOnce({ force: true });
        expect(first).toMatchObject({ settledNano: 0n, failures: ['escrow_unreadable', 'escrow_unreadable'] });
        expect(await settler.settleOnce({ force: true })).toMatchObject({ settledNano: toNano('3'), held: 0 });
        await ledger.close();
    });

    it('knows nothing of lines whose escrows can not be read after they were sent, and sees them paid the next time', async () => {
        const escrow = await hub.openEscrow('ines', toNano('20'));
        const ledger = await ledgerWith([[escrow, nodes[0]!, toNano('1')]]);
        const reader = fixture.reader(hub.registry.address);
        const read = reader.escrow.bind(reader);
        let looks = 0;
        jest.spyOn(reader, 'escrow').mockImplementation(async (query) => {
            const snapshot = await read(query);
            const isPaid = [...snapshot!.paidNano.values()].some((nano) => nano > 0n);
            // The first that sees it closes the intent, the second tells of the lines.
            if (isPaid && ++looks === 2) throw new Error('no server knows');
            return snapshot;
        });
        const settler = createSettler({ ledger, reader });
        expect(await settler.settleOnce({ force: true })).toMatchObject({ batches: 1, settledNano: 0n, failures: [] });
        expect(await paid(escrow, nodes[0]!)).toBe(toNano('1'));
        expect((await ledger.settleable()).length).toBe(1);
        expect(await settler.settleOnce({ force: true })).toMatchObject({ batches: 0, skipped: { nothing_owed: 1 } });
        expect(await ledger.settleable()).toEqual([]);
        await ledger.close();
    });

    it('waits while the value is small, then settles by itself as it grows, and stops cleanly', async () => {
        const escrow = await hub.openEscrow('erin', toNano('60'));
        const ledger = await ledgerWith([[escrow, nodes[0]!, toNano('0.05')]]);
        const settler = createSettler({ ledger });
        expect(await settler.settleOnce()).toMatchObject({ batches: 0, outstandingNano: toNano('0.05') });
        settler.start();
        await ledger.recordCap(escrow.cap(nodes[0]!, toNano('50')));
        await ledger.recordReceipt(escrow.receipt(nodes[0]!, 2, toNano('50')));
        while ((await ledger.settleable()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
        await settler.stop();
        expect(await paid(escrow, nodes[0]!)).toBe(toNano('50'));
        await ledger.close();
    });

    it('settles a small sum in time before the client can withdraw', async () => {
        const escrow = await hub.openEscrow('frank', toNano('20'));
        const ledger = await ledgerWith([[escrow, nodes[0]!, toNano('1')]]);
        const settler = createSettler({ ledger });
        expect((await settler.settleOnce()).batches).toBe(0);
        await fixture.client.open(escrow.escrow).sendClose(escrow.client.sender());
        expect(await settler.settleOnce()).toMatchObject({ batches: 1, settledNano: toNano('1') });
        await ledger.close();
    });

    it('counts what it can not settle instead of sending it', async () => {
        const escrow = await hub.openEscrow('grace', toNano('20'));
        const stranger = { ...escrow.receipt(nodes[0]!, 1, 5n), escrow: Buffer.alloc(32, 3) };
        const ledger = await ledgerWith([]);
        await ledger.recordCap({ ...escrow.cap(nodes[0]!, 10n), escrow: Buffer.alloc(32, 3) });
        await ledger.recordReceipt(stranger);
        await ledger.recordCap({ ...escrow.cap(nodes[0]!, 11n), epoch: 1 });
        await ledger.recordReceipt({ ...escrow.receipt(nodes[0]!, 1, 5n), epoch: 1 });
        const summary = await createSettler({ ledger }).settleOnce({ force: true });
        expect(summary).toMatchObject({ batches: 0, skipped: { escrow_unknown: 1, epoch_over: 1 } });
        await ledger.close();
    });
});
