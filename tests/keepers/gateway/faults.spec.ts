import { ManualClock, silentLogger } from '../../../keepers/base';
import { issueOffer, verifyOffer } from '../../../keepers/confidential';
import { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import type { Question } from '../../../keepers/gateway/question';
import { Recovery } from '../../../keepers/gateway/recovery';
import type { GatewayService } from '../../../keepers/gateway/service';
import { finalFrame, sealerFor } from './scripted-dispatcher';
import { answerWhole, behave, type Fault, type FaultyOptions, faultyNetwork, pause } from './faulty-network';
import { question } from './gateway-fixture';
import { temporaryFolder } from '../ledger/temporary-folder';
import { network as networkId, usage, usageCostNano } from '../dispatch/sealed-request';

const folder = temporaryFolder();
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

const network = (options: FaultyOptions = {}) => faultyNetwork(folder, endings, options);

async function ask(gateway: GatewayService, more: Partial<Question> = {}): Promise<string> {
    const answer = await gateway.ask(question({}, more));
    const body = await answer.wholeBody();
    await answer.settled;
    return body.toString();
}

/** Asks of conversations that stick to no node, until this one was asked too. */
async function askUntilAsked(gateway: GatewayService, node: { asked: number }): Promise<string[]> {
    const bodies: string[] = [];
    while (node.asked === 0) {
        const messages = [{ role: 'user', content: `talk ${bodies.length}` }];
        const answer = await gateway.ask(question({ messages }));
        bodies.push((await answer.wholeBody()).toString());
        await answer.settled;
    }
    return bodies;
}

const dies: Fault = (node) => node.scripted.socket.terminate();
const refuses: Fault = (node, { context }) => node.scripted.refuse(context.requestId, 'engine_down');

/** Start, head and some text. */
async function begin(...[node, envelope]: Parameters<Fault>) {
    const sealer = await sealerFor(node, envelope);
    const start = sealer.start();
    const head = sealer.head({ status: 200, headers: {} });
    const wire = Buffer.concat([start, head, sealer.body(Buffer.from('half of it'))]);
    node.scripted.frames(envelope.context.requestId, wire);
    return sealer;
}

describe('a node dies', () => {
    test('before its first frame: the caller gets the answer of another', async () => {
        const { gateway, nodes } = await network({ nodes: 2 });
        behave(nodes[0]!, dies);
        behave(nodes[1]!, answerWhole);
        expect(new Set(await askUntilAsked(gateway, nodes[0]!))).toEqual(new Set(['{"ok":true}']));
    });

    test('after its start frame, without a word of the engine: the caller gets the answer of another', async () => {
        const { gateway, nodes, ledgers } = await network({ nodes: 2 });
        behave(nodes[0]!, async (node, envelope) => {
            node.scripted.frames(envelope.context.requestId, (await sealerFor(node, envelope)).start());
            await pause(30);
            await dies(node, envelope);
        });
        behave(nodes[1]!, answerWhole);
        expect(new Set(await askUntilAsked(gateway, nodes[0]!))).toEqual(new Set(['{"ok":true}']));
        // What it may have signed for stays reserved.
        expect(ledgers.gateway.totals().requests).toMatchObject({ lost: 1 });
    });

    test.each<[string, Fault]>([
        [
            'a checkpoint',
            async (node, envelope) => {
                const sealer = await sealerFor(node, envelope);
                const bill = { sequence: 1, costNano: 500n, cumulativeNano: 500n };
                const wire = Buffer.concat([sealer.start(), sealer.checkpoint(usage, bill).wire]);
                node.scripted.frames(envelope.context.requestId, wire);
                await pause(30);
                await dies(node, envelope);
            },
        ],
        [
            'its final receipt',
            async (node, envelope) => {
                const sealer = await sealerFor(node, envelope);
                const start = sealer.start();
                const wire = Buffer.concat([start, finalFrame(node, sealer).wire]);
                node.scripted.frames(envelope.context.requestId, wire);
            },
        ],
    ])('having billed with %s what it did not begin: no other is asked, and it is left alone', async (_with, fault) => {
        const { gateway, nodes, avoided } = await network({ nodes: 2 });
        for (const node of nodes) behave(node, fault);
        await expect(ask(gateway)).rejects.toMatchObject({ code: 'answer_invalid' });
        expect(nodes.map(({ asked }) => asked).sort()).toEqual([0, 1]);
        expect(avoided).toHaveLength(1);
    });

    test('between frames: a typed error, and what its checkpoint says is owed, not more', async () => {
        const { gateway, nodes, ledgers } = await network();
        behave(nodes[0]!, async (node, envelope) => {
            const sealer = await begin(node, envelope);
            const checkpoint = { sequence: 1, costNano: 500n, cumulativeNano: 500n };
            node.scripted.frames(envelope.context.requestId, sealer.checkpoint(usage, checkpoint).wire);
            await pause(50);
            node.scripted.socket.terminate();
        });
        await expect(ask(gateway)).rejects.toMatchObject({ code: 'answer_truncated', status: 502 });
        const [owed] = await ledgers.dispatch.settleable();
        expect(owed!.receipt.cumulativeNano).toBe(500n);
        expect(ledgers.gateway.totals().requests.lost).toBe(1);
    });

    test('between frames, for good: the budget of the caller’s key counts its last checkpoint, and no more', async () => {
        const { gateway, nodes, ledgers, url } = await network();
        behave(nodes[0]!, async (node, envelope) => {
            const sealer = await begin(node, envelope);
            for (const [sequence, costNano] of [
                [1, 500n],
                [2, 700n],
            ] as const) {
                const figures = { sequence, costNano, cumulativeNano: costNano };
                node.scripted.frames(envelope.context.requestId, sealer.checkpoint(usage, figures).wire);
            }
            await pause(50);
            node.scripted.socket.terminate();
        });
        const key = { name: 'ci', sha256: '', hashOnly: true, budgetNano: { total: 10n ** 9n } };
        await expect(ask(gateway, { key })).rejects.toMatchObject({ code: 'answer_truncated' });
        const { reservedAtMs, requestId, checkpoint } = ledgers.gateway.open()[0]!;
        expect(checkpoint!.receipt.costNano).toBe(700n);
        const client = new DispatcherClient(url);
        endings.push(() => client.close());
        const recovery = new Recovery({
            network: networkId,
            ledger: ledgers.gateway,
            dispatchers: () => [client],
            clock: new ManualClock(reservedAtMs + 3_600_000),
            logger: silentLogger(),
            unknownAfterMs: 60_000,
            canStillSettle: async () => false,
        });
        await recovery.recoverAll();
        expect(ledgers.gateway.keySpend('ci', reservedAtMs)).toMatchObject({
            spentNano: { total: 700n },
            openNano: 0n,
        });
        expect(ledgers.gateway.request(requestId)).toMatchObject({ state: 'final', failureCode: 'node_expired' });
        const [owed] = await ledgers.dispatch.settleable();
        expect(owed!.receipt.cumulativeNano).toBe(700n);
    });

    test('after its last text and before the receipt: no answer is faked, nothing is owed', async () => {
        const { gateway, nodes, ledgers } = await network();
        behave(nodes[0]!, async (node, envelope) => {
            await begin(node, envelope);
            await pause(30);
            node.scripted.socket.terminate();
        });
        await expect(ask(gateway)).rejects.toMatchObject({ code: 'answer_truncated' });
        expect(await ledgers.dispatch.settleable()).toEqual([]);
    });
});

describe('a node is', () => {
    test('slow: its answer comes late and whole', async () => {
        const { gateway, nodes } = await network();
        behave(nodes[0]!, async (node, envelope) => (await pause(400), answerWhole(node, envelope)));
        expect(await ask(gateway, { timeoutMs: 5_000 })).toBe('{"ok":true}');
    });

    test('stuck before its first frame: at the deadline the caller hears of it, and the node is cancelled', async () => {
        const { gateway, nodes, dispatcher } = await network();
        behave(nodes[0]!, async (node, envelope) => {
            await node.scripted.heard(3);
            node.scripted.refuse(envelope.context.requestId, 'cancelled');
        });
        await expect(ask(gateway, { timeoutMs: 300 })).rejects.toMatchObject({ status: expect.any(Number) as number });
        while (dispatcher.inFlight > 0) await pause(5);
    });

    test('flapping: it fails fast, and is asked less rather than more', async () => {
        const { gateway, nodes } = await network({ nodes: 4 });
        behave(nodes[0]!, refuses);
        for (const node of nodes.slice(1)) behave(node, answerWhole);
        for (let index = 0; index < 40; index++) expect(await ask(gateway)).toBe('{"ok":true}');
        // One of four: by chance alone it would be asked about ten times.
        expect(nodes[0]!.asked).toBeLessThan(8);
    });

    test('full: others are asked, and when all are, the caller is told when to come back', async () => {
        const { gateway, nodes } = await network({ nodes: 2, queueLimitPerNode: 0 });
        const ends: (() => void)[] = [];
        for (const node of nodes)
            behave(node, async (one, envelope) => {
                await new Promise<void>((end) => ends.push(end));
                await answerWhole(one, envelope);
            });
        const running = Array.from({ length: 8 }, () => ask(gateway));
        while (ends.length < 8) await pause(5);
        await expect(ask(gateway)).rejects.toMatchObject({
            code: 'capacity_exhausted',
            status: 429,
            retryAfterMs: 1_000,
        });
        for (const end of ends) end();
        // Four at a node at once: their receipts come in one order, so all settle.
        expect(new Set(await Promise.all(running))).toEqual(new Set(['{"ok":true}']));
    });
});

describe('a node lies', () => {
    test('with garbage for frames: the answer is no answer', async () => {
        const { gateway, nodes } = await network();
        behave(nodes[0]!, async (node, envelope) => {
            await begin(node, envelope);
            node.scripted.frames(envelope.context.requestId, Buffer.alloc(4_000, 0xee));
        });
        await expect(ask(gateway)).rejects.toMatchObject({ code: 'answer_truncated', status: 502 });
    });

    test('about the cost: its receipt is refused and the node is not used again', async () => {
        const { gateway, nodes, banned } = await network();
        behave(nodes[0]!, async (node, envelope) => {
            const sealer = await begin(node, envelope);
            const costNano = usageCostNano + 1n;
            const final = sealer.final(usage, { sequence: 1, costNano, cumulativeNano: costNano });
            node.scripted.frames(envelope.context.requestId, final.wire);
        });
        await expect(ask(gateway)).rejects.toMatchObject({ code: 'answer_invalid' });
        expect(banned).toEqual([nodes[0]!.id]);
    });

    test('with the receipt of another request: it is no answer', async () => {
        const { gateway, nodes } = await network();
        let before: Buffer | undefined;
        behave(nodes[0]!, async (node, envelope) => {
            if (before === undefined) {
                const sealer = await begin(node, envelope);
                before = finalFrame(node, sealer).wire;
                return node.scripted.frames(envelope.context.requestId, before);
            }
            await begin(node, envelope);
            node.scripted.frames(envelope.context.requestId, before);
        });
        await ask(gateway);
        await expect(ask(gateway)).rejects.toMatchObject({ code: 'answer_truncated', status: 502 });
    });
});

describe('clocks differ:', () => {
    const minutes = (count: number) => count * 60_000;

    test('the gateway two minutes ahead: it works', async () => {
        const { gateway, nodes } = await network({ gatewayAheadMs: minutes(2) });
        behave(nodes[0]!, answerWhole);
        expect(await ask(gateway)).toBe('{"ok":true}');
    });

    test('a node two minutes ahead of who reads its offer: the refusal names the clocks', async () => {
        const { nodes } = await network();
        const { signer, nodeKey, offer } = nodes[0]!;
        const signed = issueOffer({ ...offer, issuedAtSec: offer.issuedAtSec + 120 }, signer).signed;
        const expected = { network: offer.network, nodeKey, nowSec: offer.issuedAtSec };
        expect(() => verifyOffer(signed, expected)).toThrow(
            /begins 120 s from now: the clock here or the node's is wrong/,
        );
    });

    test('the gateway two minutes behind, time for three: it works', async () => {
        const { gateway, nodes } = await network({ gatewayAheadMs: -minutes(2), requestTimeoutMs: minutes(3) });
        behave(nodes[0]!, answerWhole);
        expect(await ask(gateway)).toBe('{"ok":true}');
    });

    test('the gateway two minutes behind, time for one: the error names the clocks, not the node', async () => {
        const { gateway } = await network({ gatewayAheadMs: -minutes(2), requestTimeoutMs: minutes(1) });
        await expect(ask(gateway)).rejects.toMatchObject({
            code: 'dispatcher_unavailable',
            message: expect.stringMatching(/60 s before .* by this gateway's clock/) as string,
        });
    });
});
