import path from 'node:path';
import { Address } from '@ton/core';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { EscrowBook, type EscrowAccount } from '../../../keepers/dispatch';
import { type DispatcherAt, GatewayHubs } from '../../../keepers/gateway/gateway-hubs';
import type { NetworkView } from '../../../keepers/gateway/network-view';
import { NodeDirectory } from '../../../keepers/gateway/node-directory';
import type { Checked, NodeVerifier } from '../../../keepers/gateway/node-verifier';
import { GatewayService } from '../../../keepers/gateway/service';
import type { NodeRow } from '../../../keepers/gateway/trusted-node';
import { GatewayLedger } from '../../../keepers/ledger';
import { bytesOf } from '../confidential/exchange';
import { account, network, nowMs, session } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { question } from './gateway-fixture';
import { answering, refusing, ScriptedDispatcher } from './scripted-dispatcher';
import { type TestNode, trustedNode } from './trusted-nodes';

const folder = temporaryFolder();
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

interface Place {
    dispatcher: ScriptedDispatcher;
    hub: Address;
    escrow: Buffer;
    nodes: TestNode[];
    /** What the chain says of the escrow there. */
    state: Partial<EscrowAccount> | null;
}

const idleLoad = { inFlight: 0, queued: 0, maxConcurrency: 4, firstFrameMsP50: null, failureShare: 0 };

async function placeOf(name: string, nodeCount: number): Promise<Place> {
    const dispatcher = await ScriptedDispatcher.start();
    endings.push(() => dispatcher.stop());
    const hub = new Address(0, bytesOf(`hub ${name}`));
    const nodes = await Promise.all(
        Array.from({ length: nodeCount }, (_unused, index) => trustedNode(`${name} ${index}`, dispatcher.url)),
    );
    for (const node of nodes) {
        Object.assign(node, { hub, load: idleLoad });
        dispatcher.handlers.set(node.id, answering(node, JSON.stringify(name)));
    }
    const rows = nodes.map(({ id }) => ({
        nodeKey: id,
        bundle: '',
        quote: '',
        kemCertificates: [''],
        offer: '',
        load: idleLoad,
    }));
    const answer = { network: network.toString('hex'), hub: hub.hash.toString('hex'), nodes: rows };
    dispatcher.states.set('directory', answer);
    return { dispatcher, hub, escrow: bytesOf(`escrow ${name}`), nodes, state: { balanceNano: 10n ** 9n } };
}

/** A gateway with the real hubs, directory, picking and money, that trusts what the dispatchers list. */
async function gatewayOf(places: Place[], configured: DispatcherAt[] = []) {
    const clock = new ManualClock(nowMs);
    const logger = silentLogger();
    const accountAt = async (hub: Address) => {
        const place = places.find((one) => one.hub.equals(hub))!;
        const { escrow } = place;
        const read = async () => (place.state === null ? null : account({ escrow, ...place.state }));
        return { hub, escrow, book: new EscrowBook({ read, clock }) };
    };
    const listed = async () => places.map(({ dispatcher, hub }) => ({ url: dispatcher.url, hub }));
    const hubs = new GatewayHubs({ configured, listed, accountAt, clock, logger });
    await hubs.refresh();
    const byId = new Map(places.flatMap(({ nodes }) => nodes.map((node) => [node.id, node])));
    const check = async (row: NodeRow, from: object) => {
        const trusted = { ...byId.get(row.nodeKey)!, ...from, checkedAtMs: clock.monotonicMs() };
        return { trusted, evidence: { ...row, trusted: true, refusal: null } } as unknown as Checked;
    };
    const directory = new NodeDirectory({
        network,
        peers: () => hubs.peers,
        view: { refresh: async () => undefined } as unknown as NetworkView,
        verifier: { check } as unknown as NodeVerifier,
        pollIntervalMs: 1_000,
        clock,
        logger,
    });
    await directory.refresh();
    const ledger = new GatewayLedger({ file: path.join(folder, `${Math.random()}.sqlite`) });
    const { dispatchers } = hubs;
    const limits = { maxOutputPriceNano: undefined, requestTimeoutMs: 60_000 };
    const service = new GatewayService({
        network,
        hubs,
        session,
        ledger,
        directory,
        dispatchers,
        ...limits,
        clock,
        logger,
    });
    endings.push(
        () => ledger.close(),
        () => hubs.stop(),
    );
    return { service, directory, hubs, clock, ledger };
}

async function ask(service: GatewayService, index = 0): Promise<unknown> {
    const messages = [{ role: 'user', content: `question ${index}` }];
    const answer = await service.ask(question({ messages }));
    return JSON.parse((await answer.wholeBody()).toString());
}

async function askMany(service: GatewayService, count: number): Promise<Set<unknown>> {
    const served = new Set<unknown>();
    for (let index = 0; index < count; index++) served.add(await ask(service, index));
    return served;
}

test('both hubs of the list are used, and each node is paid from the escrow at its own hub', async () => {
    const [a, b] = [await placeOf('a', 2), await placeOf('b', 2)];
    const { service, ledger } = await gatewayOf([a, b]);
    expect(await askMany(service, 24)).toEqual(new Set(['a', 'b']));
    for (const place of [a, b]) {
        expect(place.dispatcher.asked.length).toBeGreaterThan(0);
        for (const { context } of place.dispatcher.asked) expect(context.escrow.equals(place.escrow)).toBe(true);
    }
    expect(ledger.totals()).toMatchObject({ requests: { final: 24 }, openNano: 0n });
    expect(await service.view.status()).toMatchObject({ hubs: [{ status: 'open' }, { status: 'open' }] });
});

test('a hub where the client has no open escrow is not used, until it has one', async () => {
    const [a, b] = [await placeOf('a', 1), await placeOf('b', 1)];
    b.state = null;
    const { service, directory, hubs, clock } = await gatewayOf([a, b]);
    expect(await askMany(service, 8)).toEqual(new Set(['a']));
    b.state = { balanceNano: 10n ** 9n };
    clock.advance(60_000);
    await hubs.refresh();
    await directory.refresh();
    expect(await askMany(service, 16)).toEqual(new Set(['a', 'b']));
});

test('the dispatcher that the configuration names is used though nobody lists it', async () => {
    const a = await placeOf('a', 1);
    const { hubs } = await gatewayOf([a], [{ url: 'http://127.0.0.1:9', hub: a.hub }]);
    expect(hubs.peers.map(({ client }) => client.url)).toEqual(['http://127.0.0.1:9', a.dispatcher.url]);
});

test('an escrow that is spent at one hub sends the request to the other', async () => {
    const [a, b] = [await placeOf('a', 2), await placeOf('b', 1)];
    a.state = { balanceNano: 1_000n };
    const { service } = await gatewayOf([a, b]);
    expect(await askMany(service, 10)).toEqual(new Set(['b']));
    b.state = { balanceNano: 1_000n };
    const fresh = await gatewayOf([a, b]);
    await expect(ask(fresh.service)).rejects.toMatchObject({ code: 'escrow_insufficient', status: 402 });
});

test('a dispatcher that dies is left at once: no caller notices, and it is used again when it is back', async () => {
    const [a, b] = [await placeOf('a', 4), await placeOf('b', 4)];
    const { service, directory, clock } = await gatewayOf([a, b]);
    const { port } = new URL(a.dispatcher.url);
    await a.dispatcher.stop();
    expect(await askMany(service, 20)).toEqual(new Set(['b']));
    expect(directory.whyUnused(a.nodes[0]!.id)).toMatchObject({ code: 'dispatcher_left' });
    await a.dispatcher.listen(Number(port));
    clock.advance(5_001);
    await directory.refresh();
    expect(directory.whyUnused(a.nodes[0]!.id)).toBeNull();
    expect(await askMany(service, 40)).toEqual(new Set(['a', 'b']));
});

test('a node that both hubs have is asked by way of the second when the dispatcher of the first dies', async () => {
    const [a, b] = [await placeOf('a', 2), await placeOf('b', 0)];
    for (const node of a.nodes) b.dispatcher.handlers.set(node.id, answering(node, '"b"'));
    b.dispatcher.states.set('directory', {
        ...a.dispatcher.states.get('directory'),
        hub: b.hub.hash.toString('hex'),
    });
    const { service, ledger } = await gatewayOf([a, b]);
    expect(await ask(service)).toBe('a');
    await a.dispatcher.stop();
    expect(await askMany(service, 5)).toEqual(new Set(['b']));
    for (const { context } of b.dispatcher.asked) expect(context.escrow.equals(b.escrow)).toBe(true);
    expect(ledger.totals()).toMatchObject({ requests: { final: 6 }, openNano: 0n });
});

test('a dispatcher that serves some of its nodes only, though it says all are free, is noticed and left', async () => {
    const [a, b] = [await placeOf('a', 12), await placeOf('b', 4)];
    for (const { id } of a.nodes.slice(1)) a.dispatcher.handlers.set(id, refusing(429, 'node_busy'));
    const { service, directory } = await gatewayOf([a, b]);
    for (let index = 0; index < 400 && directory.whyUnused(a.nodes[0]!.id) === null; index++)
        await ask(service, index).catch(() => undefined);
    expect(directory.whyUnused(a.nodes[0]!.id)).toMatchObject({
        code: 'dispatcher_left',
        detail: expect.stringContaining('refuses most of the nodes') as string,
    });
    expect(await askMany(service, 10)).toEqual(new Set(['b']));
});

test('a full network is no steering: who says its nodes are busy is not left', async () => {
    const [a, b] = [await placeOf('a', 12), await placeOf('b', 4)];
    for (const node of a.nodes) {
        node.load = { ...idleLoad, inFlight: 4 };
        a.dispatcher.handlers.set(node.id, refusing(429, 'node_busy'));
    }
    const { service, directory } = await gatewayOf([a, b]);
    for (let index = 0; index < 60; index++) await ask(service, index).catch(() => undefined);
    expect(directory.whyUnused(a.nodes[0]!.id)).toBeNull();
});
