import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Address, toNano } from '@ton/core';
import { silentLogger, systemClock } from '../../../keepers/base';
import {
    type ChainClient,
    ChainError,
    ChainWallet,
    transactionsSince,
    walletKeyFromSeed,
} from '../../../keepers/chain';
import { type DispatchLedger, openOutboxFile } from '../../../keepers/ledger';
import { OutboxSender } from '../../../keepers/outbox';
import { KeyHistoryFile, type WatchdogOptions, WatchdogService, type WatchSummary } from '../../../keepers/watchdog';
import { Payout, Provider } from '../../../wrappers';
import { testKey } from '../../contracts/support/ed25519';
import { openNewLedger } from '../../support/new-ledger';
import { seedOf, useDevnet } from '../chain/devnet-fixture';
import { temporaryFolder } from '../ledger/temporary-folder';
import { Crash, CrashPlan, crashingClient, crashingJournal } from '../outbox/crash-points';
import { watchKinds } from '../../../keepers/watchdog/send-act';
import { type EscrowFixture, statements } from '../settlement/hub-fixture';
import { createGovernedHub, type GovernedHub, type GovernedNode } from './governed-hub';

const fixture = useDevnet();
const folder = temporaryFolder();
let world: GovernedHub;
let counter = 0;

beforeAll(async () => {
    world = await createGovernedHub(fixture);
});

interface Watchdog {
    service: WatchdogService;
    wallet: ChainWallet;
    close: () => Promise<void>;
}

const keysFile = (name: string) => path.join(folder, `${name}.keys.json`);

/** One process of the watchdog called `name`: its wallet, outbox and known keys are found again by the next of that name. */
function openWatchdog(name: string, options: Partial<WatchdogOptions> = {}, plan?: CrashPlan): Watchdog {
    const file = openOutboxFile({ file: path.join(folder, `${name}.sqlite`) });
    const client: ChainClient = plan ? crashingClient(fixture.client, plan) : fixture.client;
    const journal = plan ? crashingJournal(file.outbox, plan) : file.outbox;
    const key = walletKeyFromSeed(seedOf(name));
    const wallet = new ChainWallet({ client, key, journal, pollIntervalMs: 5 });
    const service = new WatchdogService({
        client: fixture.client,
        reader: fixture.reader(world.registry),
        sender: new OutboxSender({ outbox: journal, wallet }),
        registry: world.registry,
        hub: world.hub.address,
        keyHistory: new KeyHistoryFile({
            file: keysFile(name),
            hub: world.hub.address,
            logger: silentLogger(),
        }),
        intervalMs: 20,
        fullCheckMs: 3_600_000,
        pruneAboveNodes: 10_000,
        clock: systemClock,
        logger: silentLogger(),
        ...options,
    });
    return { service, wallet, close: file.close };
}

async function fund(name: string): Promise<void> {
    const { address } = new ChainWallet({ client: fixture.client, key: walletKeyFromSeed(seedOf(name)) });
    await fixture.devnet.chain.payFromFaucet(address, toNano('10'));
}

/** A process that looks once and ends. */
async function watchOnce(name: string, options: Partial<WatchdogOptions> = {}): Promise<WatchSummary> {
    const { service, close } = openWatchdog(name, options);
    try {
        return await service.watchOnce();
    } finally {
        await service.stop();
        await close();
    }
}

const hexOf = ({ key }: GovernedNode) => key.publicKey.toString('hex');
const admitted = ({ key }: GovernedNode) => fixture.client.open(world.hub).getNode(key.publicKey);
const recorded = ({ key, provider }: GovernedNode) =>
    fixture.client.open(Provider.createFromAddress(provider)).getKey(key.publicKey);

async function received(account: { address: Payout['address'] } | { provider: Payout['address'] }): Promise<number> {
    const address = 'provider' in account ? account.provider : account.address;
    return (await transactionsSince(fixture.client, address, { fromLt: 0n })).length;
}

/** A dispatcher's ledger that has two receipts of the node for one place in its order. */
async function ledgerAgainst(node: GovernedNode, known?: EscrowFixture): Promise<DispatchLedger> {
    const escrow = known ?? (await world.openEscrow(`client ${counter++}`, toNano('5')));
    const ledger = await openNewLedger(folder);
    await ledger.recordCap(escrow.cap(node.key, toNano('1')));
    await ledger.recordReceipt(escrow.receipt(node.key, 1, 100n));
    expect(await ledger.recordReceipt(escrow.receipt(node.key, 1, 200n))).toBe('contradicts');
    return ledger;
}

describe('a watchdog on a devnet', () => {
    it('has every key revoked that was attested with what governance distrusts since, once, and knows it after', async () => {
        const nodes = [await world.admitNode('distrusted'), await world.admitNode('trusted')] as const;
        await fund('revoker');
        expect((await watchOnce('revoker')).acts).toEqual([]);
        await world.revokeImage(nodes[0].imageId);
        const { acts, costNano, keys } = await watchOnce('revoker');
        expect(acts).toEqual([{ kind: 'recheck', key: hexOf(nodes[0]), outcome: 'confirmed' }]);
        expect(keys).toBeGreaterThanOrEqual(2);
        expect(costNano).toBeGreaterThan(0n);
        expect((await admitted(nodes[0]))!.revokedAt).not.toBeNull();
        expect((await recorded(nodes[0]))!.revokedAt).not.toBeNull();
        expect((await admitted(nodes[1]))!.revokedAt).toBeNull();
        expect((await watchOnce('revoker')).acts).toEqual([]);
    });

    it('looks at the hub although the log of a node can not be read', async () => {
        const nodeLogFiles = [path.join(folder, 'no-such.log')];
        expect(await watchOnce('one with a missing log', { nodeLogFiles })).toMatchObject({ stuckEscrows: [] });
    });

    it('follows what governance does while it runs, without waiting for its next look at every key', async () => {
        const node = await world.admitNode('followed');
        await fund('follower');
        const { service, close } = openWatchdog('follower');
        service.start();
        while (service.counters.rounds === 0) await new Promise((resolve) => setTimeout(resolve, 10));
        await world.revokeImage(node.imageId);
        while (service.counters.acts.recheck === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        await service.stop();
        expect((await admitted(node))!.revokedAt).not.toBeNull();
        await close();
    });

    it('acts on what governance did, though a read failed in the round that saw it', async () => {
        const node = await world.admitNode('revoked in a bad moment');
        await fund('unlucky');
        const reader = fixture.reader(world.registry);
        const { service, close } = openWatchdog('unlucky', { reader });
        expect((await service.watchOnce()).acts).toEqual([]);
        await world.revokeImage(node.imageId);
        jest.spyOn(reader, 'nodes').mockRejectedValueOnce(new ChainError('agreement_unavailable', 'a bad moment'));
        await expect(service.watchOnce()).rejects.toMatchObject({ code: 'agreement_unavailable' });
        const { acts } = await service.watchOnce();
        expect(acts).toEqual([{ kind: 'recheck', key: hexOf(node), outcome: 'confirmed' }]);
        expect((await service.watchOnce()).keys).toBe(0);
        await service.stop();
        await close();
    });

    it('goes on where an escrow can not be read, and counts it', async () => {
        const node = await world.admitNode('paid from afar');
        const escrow = await world.openEscrow('unreadable', toNano('5'));
        const ledger = await openNewLedger(folder);
        await ledger.recordCap(escrow.cap(node.key, toNano('1')));
        await ledger.recordReceipt(escrow.receipt(node.key, 1, toNano('0.5')));
        const reader = fixture.reader(world.registry);
        jest.spyOn(reader, 'escrow').mockRejectedValue(new ChainError('rpc_disagreement', 'about this escrow'));
        const { service, close } = openWatchdog('patient', { reader, ledger });
        const first = await service.watchOnce();
        expect(first).toMatchObject({ stuckEscrows: [], unreadableEscrows: 1 });
        expect(first.keys).toBeGreaterThan(0);
        expect((await service.watchOnce()).keys).toBe(0);
        expect(service.counters).toMatchObject({ rounds: 2, failuresInARow: 0, unreadableEscrows: 1 });
        await service.stop();
        await close();
        await ledger.close();
    });

    it('shows the chain two receipts of one node that exclude each other, and two watchdogs slash it once', async () => {
        const node = await world.admitNode('liar');
        const ledger = await ledgerAgainst(node);
        await fund('first accuser');
        await fund('second accuser');
        const before = await received(node);
        const summaries = await Promise.all([
            watchOnce('first accuser', { ledger }),
            watchOnce('second accuser', { ledger }),
        ]);
        const slashes = summaries.flatMap(({ acts }) => acts).filter(({ key }) => key === hexOf(node));
        expect(slashes.map(({ kind }) => kind)).toEqual(['slash', 'slash']);
        expect(slashes.map(({ outcome }) => outcome)).toEqual(['confirmed', 'confirmed']);
        expect((await recorded(node))!.isSlashed).toBe(true);
        // One took it; the other's message, if it sent one, was refused.
        expect((await received(node)) - before).toBeLessThanOrEqual(2);
        const { address } = new ChainWallet({
            client: fixture.client,
            key: walletKeyFromSeed(seedOf('first accuser')),
        });
        const second = new ChainWallet({ client: fixture.client, key: walletKeyFromSeed(seedOf('second accuser')) });
        const balances = await Promise.all([address, second.address].map((one) => fixture.client.getBalanceNano(one)));
        // A tenth of a bond of ten TON came to one of them.
        expect(balances.filter((nano) => nano > toNano('10.5'))).toHaveLength(1);
        expect((await watchOnce('first accuser', { ledger })).acts).toEqual([]);
    });

    it('slashes a key that the hub has forgotten, after a restart, by the provider that it remembers', async () => {
        const node = await world.admitNode('forgotten');
        await fund('rememberer');
        await watchOnce('rememberer');
        await world.revokeImage(node.imageId);
        await watchOnce('rememberer');
        await fixture.devnet.chain.warp(2 * 3_600);
        const pruner = await fixture.wallet('pruner');
        await fixture.client.open(world.hub).sendPruneNode(pruner.sender(), { nodeKey: node.key.publicKey });
        expect(await admitted(node)).toBeNull();
        await watchOnce('rememberer');
        const ledger = await ledgerAgainst(node);
        const { acts } = await watchOnce('rememberer', { ledger });
        expect(acts).toEqual([{ kind: 'slash', key: hexOf(node), outcome: 'confirmed' }]);
        expect((await recorded(node))!.isSlashed).toBe(true);
    });

    it('looks at each transaction of the hub once, restarts included, and begins anew where its file is damaged', async () => {
        const follow = jest.spyOn(fixture.client, 'confirmedSince');
        const seen = async () => {
            const results = await Promise.all(follow.mock.results.map(({ value }) => value as Promise<unknown[]>));
            follow.mockClear();
            return results.flat().length;
        };
        const all = await received(world.hub);
        await watchOnce('reader');
        expect(await seen()).toBe(all);
        await watchOnce('reader');
        expect(await seen()).toBe(0);
        await world.admitNode('newcomer');
        const { keys } = await watchOnce('reader');
        expect(await seen()).toBe((await received(world.hub)) - all);
        expect(keys).toBeGreaterThan(1);
        writeFileSync(keysFile('reader'), '{"version":1,');
        expect((await watchOnce('reader')).keys).toBe(keys);
        expect(await seen()).toBe(await received(world.hub));
        follow.mockRestore();
    });

    it('names what it would do and sends nothing in a dry run', async () => {
        const node = await world.admitNode('merely named');
        const ledger = await ledgerAgainst(node);
        await fund('onlooker');
        const { acts, costNano } = await watchOnce('onlooker', { ledger, dryRun: true });
        expect(acts).toEqual([{ kind: 'slash', key: hexOf(node), outcome: 'dry_run' }]);
        expect(costNano).toBe(0n);
        expect((await recorded(node))!.isSlashed).toBe(false);
        const { outbox, close } = openOutboxFile({ file: path.join(folder, 'onlooker.sqlite') });
        expect(await outbox.tally()).toEqual([]);
        await close();
    });

    it('spends no more in a day than its operator allows', async () => {
        const node = await world.admitNode('costly');
        const ledger = await ledgerAgainst(node);
        await fund('frugal');
        const { acts } = await watchOnce('frugal', { ledger, maxFeePerDayNano: 1n });
        expect(acts).toEqual([{ kind: 'slash', key: hexOf(node), outcome: 'over_budget' }]);
        expect((await recorded(node))!.isSlashed).toBe(false);
    });

    it('claims what came back to its wallet from an escrow that is not there', async () => {
        const node = await world.admitNode('misdirected');
        await fund('refunded');
        const wallet = new ChainWallet({
            client: fixture.client,
            key: walletKeyFromSeed(seedOf('refunded')),
            pollIntervalMs: 5,
        });
        const escrow = seedOf('an escrow that nobody opened');
        const scope = { network: world.registry.hash, escrow, epoch: 1 };
        const { cap, receipt } = statements(scope, testKey('its session'));
        const signed = receipt(node.key, 1, toNano('1'));
        const { requestHash, capSignature, capCumulativeNano: cumulativeNano } = cap(node.key, toNano('1'));
        const nodeKey = node.key.publicKey;
        const line = {
            ...signed,
            nodeSignature: signed.signature,
            cap: { nodeKey, cumulativeNano, requestHash },
            capSignature,
        };
        const hub = fixture.client.open(world.hub);
        await hub.sendSettle(wallet.sender(), { escrow: new Address(0, escrow), epoch: 1, lines: [line] });
        const creditNano = await hub.getCredit(wallet.address);
        expect(creditNano).toBeGreaterThan(0n);
        const { acts } = await watchOnce('refunded');
        expect(acts).toEqual([{ kind: 'claim', key: 'credit', outcome: 'confirmed' }]);
        expect(await hub.getCredit(wallet.address)).toBe(0n);
    });

    it('makes room in a crowded hub, the longest over first, and no more than is asked', async () => {
        await fund('usher');
        await fixture.devnet.chain.warp(2 * 86_400);
        const crowded = (await fixture.client.open(world.hub).getState()).nodeCount;
        const { acts } = await watchOnce('usher', { pruneAboveNodes: crowded - 2 });
        expect(acts.map(({ kind, outcome }) => [kind, outcome])).toEqual(Array(2).fill(['prune', 'confirmed']));
        expect((await fixture.client.open(world.hub).getState()).nodeCount).toBe(crowded - 2);
        expect((await watchOnce('usher', { pruneAboveNodes: crowded - 2 })).acts).toEqual([]);
    });

    it('does not send again at once what the chain refused, not even after a restart', async () => {
        const node = await world.admitNode('wrongly accused');
        const ledger = await ledgerAgainst(node);
        const [pair] = await ledger.contradictions();
        const { receipt, signature } = pair!.kept;
        const repeated = { kept: pair!.kept, other: { ...pair!.other, receipt, signature } };
        jest.spyOn(ledger, 'contradictions').mockResolvedValue([repeated]);
        await fund('mistaken');
        const outcomes = [];
        for (let i = 0; i < 3; i++) outcomes.push((await watchOnce('mistaken', { ledger })).acts[0]!.outcome);
        expect(outcomes).toEqual(['abandoned', 'held', 'held']);
    });

    it('revokes, accuses and forgets nothing, after whichever step its process is ended', async () => {
        const model = await world.admitNode('the first of many');
        const escrow = await world.openEscrow('client of many', toNano('5'));
        // Each knows all keys but the one it is about: what all tests before this one did to the hub is not read for each again.
        await watchOnce('before many');
        // Before its intent is recorded it has done nothing but look.
        for (let at = watchKinds.length; ; at++) {
            const node = await world.admitNode(`crashed over ${at}`, model);
            const ledger = await ledgerAgainst(node, escrow);
            await fund(`crashing ${at}`);
            copyFileSync(keysFile('before many'), keysFile(`crashing ${at}`));
            const plan = new CrashPlan(at);
            const { service, close } = openWatchdog(`crashing ${at}`, { ledger }, plan);
            await service.watchOnce().catch((error: unknown) => {
                if (!(error instanceof Crash)) throw error;
            });
            await service.stop();
            await close();
            for (let life = 0; life < 3 && !(await recorded(node))!.isSlashed; life++) {
                await fixture.devnet.chain.warp(100);
                await watchOnce(`crashing ${at}`, { ledger });
            }
            expect((await recorded(node))!.isSlashed).toBe(true);
            expect((await watchOnce(`crashing ${at}`, { ledger })).acts).toEqual([]);
            const file = openOutboxFile({ file: path.join(folder, `crashing ${at}.sqlite`) });
            expect(await file.outbox.open('watch-slash')).toEqual([]);
            await file.close();
            if (!plan.hasCrashed) return expect(at).toBeGreaterThan(watchKinds.length + 8);
        }
    }, 300_000);
});
