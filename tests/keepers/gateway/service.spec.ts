import type { ServerResponse } from 'node:http';
import type { ParsedEnvelope } from '../../../keepers/confidential';
import { GatewayError } from '../../../keepers/gateway/errors';
import type { Question } from '../../../keepers/gateway/question';
import type { GatewayService } from '../../../keepers/gateway/service';
import { account, usage, usageCostNano } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { until } from '../node/started-node';
import { question, startGateway } from './gateway-fixture';
import { answering, finalFrame, refusing, sealerFor } from './scripted-dispatcher';

const folder = temporaryFolder();

async function ask(service: GatewayService, asked: Question = question()): Promise<string> {
    const answer = await service.ask(asked);
    const body = await answer.wholeBody();
    await answer.settled;
    return body.toString();
}

async function refusalOf(act: Promise<unknown>): Promise<GatewayError> {
    const error: unknown = await act.then(
        () => new Error('it was answered'),
        (reason: unknown) => reason,
    );
    if (error instanceof GatewayError) return error;
    throw error;
}

const openNano = (parts: { ledger: { totals(): { openNano: bigint } } }) => parts.ledger.totals().openNano;

test('a question is answered; its receipt is kept, and nothing stays reserved', async () => {
    const gateway = await startGateway(folder);
    const [node] = gateway.nodes;
    gateway.dispatcher.handlers.set(node!.id, answering(node!));
    expect(await ask(gateway.service)).toBe('{"ok":true}');
    expect(await ask(gateway.service)).toBe('{"ok":true}');
    expect(gateway.ledger.totals()).toMatchObject({
        requests: { final: 2 },
        costNano: 2n * usageCostNano,
        openNano: 0n,
    });
    const [first, second] = gateway.dispatcher.asked;
    expect(second!.cap.cumulativeNano - usageCostNano).toBe(first!.cap.cumulativeNano);
});

describe('another node is asked', () => {
    test.each<[string, number, string, object]>([
        ['when one refuses', 503, 'node_refused', { nodeCode: 'node_busy' }],
        ['when one is busy', 429, 'node_busy', {}],
        ['when one has gone', 404, 'node_unknown', {}],
        ['when the dispatcher drains', 503, 'draining', {}],
    ])('%s, and its reservation is free at once', async (_what, status, code, extra) => {
        const gateway = await startGateway(folder, { nodes: 2 });
        const [bad, good] = gateway.nodes;
        bad!.load = { ...bad!.load };
        good!.load = { ...good!.load, inFlight: 400 };
        gateway.dispatcher.handlers.set(bad!.id, refusing(status, code, extra));
        gateway.dispatcher.handlers.set(good!.id, answering(good!));
        for (let tries = 0; tries < 4; tries++) expect(await ask(gateway.service)).toBe('{"ok":true}');
        expect(openNano(gateway)).toBe(0n);
        expect(gateway.ledger.totals().requests.failed).toBe(gateway.dispatcher.asked.length - 4);
    });

    test('when one is lost before its first frame, whose worst case stays reserved', async () => {
        const gateway = await startGateway(folder, { nodes: 2 });
        for (const node of gateway.nodes) gateway.dispatcher.handlers.set(node.id, refusing(502, 'node_lost'));
        expect(await refusalOf(ask(gateway.service))).toMatchObject({ code: 'node_failed', status: 502 });
        expect(gateway.dispatcher.asked).toHaveLength(2);
        expect(gateway.ledger.totals().requests.lost).toBe(2);
        expect(openNano(gateway)).toBeGreaterThan(0n);
    });

    test('when an engine fails before it said a word', async () => {
        const gateway = await startGateway(folder, { nodes: 2 });
        for (const node of gateway.nodes) {
            gateway.dispatcher.handlers.set(node.id, async (envelope, response) => {
                const sealer = await sealerFor(node, envelope);
                response.write(sealer.start());
                response.write(sealer.error({ status: 503, code: 'engine_overloaded', message: 'busy' }));
                const nothing = { promptTokens: 0, cachedPromptTokens: 0, completionTokens: 0, reasoningTokens: 0 };
                response.end(finalFrame(node, sealer, { used: nothing }).wire);
            });
        }
        expect((await refusalOf(ask(gateway.service))).code).toBe('node_failed');
        expect(gateway.dispatcher.asked).toHaveLength(2);
        expect(openNano(gateway)).toBe(0n);
    });

    test('but at most three, and none twice', async () => {
        const gateway = await startGateway(folder, { nodes: 5 });
        for (const node of gateway.nodes) gateway.dispatcher.handlers.set(node.id, refusing(429, 'node_busy'));
        expect(await refusalOf(ask(gateway.service))).toMatchObject({ code: 'capacity_exhausted', status: 429 });
        expect(new Set(gateway.dispatcher.asked.map(({ context }) => context.nodeKey.toString('hex'))).size).toBe(3);
        expect(gateway.dispatcher.asked).toHaveLength(3);
    });
});

test('once an answer has begun nobody else is asked: it broke off', async () => {
    const gateway = await startGateway(folder, { nodes: 2 });
    for (const node of gateway.nodes) {
        gateway.dispatcher.handlers.set(node.id, async (envelope, response) => {
            const sealer = await sealerFor(node, envelope);
            response.write(sealer.start());
            response.write(sealer.head({ status: 200, headers: {} }));
            response.write(sealer.body(Buffer.from('half')));
            setTimeout(() => response.destroy(), 20);
        });
    }
    expect((await refusalOf(ask(gateway.service))).code).toBe('answer_truncated');
    expect(gateway.dispatcher.asked).toHaveLength(1);
    expect(gateway.ledger.totals().requests.lost).toBe(1);
    expect([gateway.banned, gateway.avoided]).toEqual([[], []]);
});

test('a refusal longer than any is read no further, and leaves open whether the node began', async () => {
    const gateway = await startGateway(folder);
    const long = { detail: 'x'.repeat(128 * 1024) };
    gateway.dispatcher.handlers.set(gateway.nodes[0]!.id, refusing(503, 'draining', long));
    expect((await refusalOf(ask(gateway.service))).code).toBe('dispatcher_unavailable');
    expect(gateway.ledger.totals().requests).toMatchObject({ lost: 1, failed: 0 });
});

describe('money', () => {
    test('a question that the escrow does not cover: 402, and the field to change', async () => {
        const gateway = await startGateway(folder, { read: async () => account({ balanceNano: 10n }) });
        const error = await refusalOf(ask(gateway.service));
        expect(error).toMatchObject({ code: 'escrow_insufficient', status: 402, param: 'max_tokens' });
        expect(openNano(gateway)).toBe(0n);
        expect(gateway.dispatcher.asked).toEqual([]);
    });

    test('a dispatcher that finds too little in the escrow: 402', async () => {
        const gateway = await startGateway(folder);
        gateway.dispatcher.handlers.set(gateway.nodes[0]!.id, refusing(402, 'escrow_insufficient'));
        expect(await refusalOf(ask(gateway.service))).toMatchObject({ code: 'escrow_insufficient', status: 402 });
        expect(openNano(gateway)).toBe(0n);
    });

    test.each<[string, Parameters<typeof account>[0] | null]>([
        ['does not exist', null],
        ['is closing', { status: 'closing' }],
        ['names another session key', { sessionKeys: [] }],
    ])('an escrow that %s: 402 escrow_not_open', async (_what, state) => {
        const gateway = await startGateway(folder, { read: async () => (state === null ? null : account(state)) });
        expect(await refusalOf(ask(gateway.service))).toMatchObject({ code: 'escrow_not_open', status: 402 });
    });

    test('a receipt that sums up wrongly: the node is not used again', async () => {
        const gateway = await startGateway(folder);
        const [node] = gateway.nodes;
        gateway.dispatcher.handlers.set(node!.id, async (envelope, response) => {
            const sealer = await sealerFor(node!, envelope);
            response.write(sealer.start());
            response.write(sealer.head({ status: 200, headers: {} }));
            response.end(finalFrame(node!, sealer, { sequence: 9 }).wire);
        });
        expect((await refusalOf(ask(gateway.service))).code).toBe('answer_invalid');
        expect(gateway.banned).toEqual([node!.id]);
        expect(gateway.ledger.totals().requests.lost).toBe(1);
    });

    test('a dispatcher that says refused of what it passes on gets no node banned, and its receipt is kept', async () => {
        const gateway = await startGateway(folder);
        const [node] = gateway.nodes;
        let refuseFirst!: () => void;
        const answer = async (envelope: ParsedEnvelope, response: ServerResponse) => {
            refuseFirst();
            await until(() => gateway.ledger.totals().requests.failed === 1);
            const sealer = await sealerFor(node!, envelope);
            response.write(sealer.start());
            response.write(sealer.head({ status: 200, headers: {} }));
            const nano = usageCostNano;
            const most = envelope.cap.cumulativeNano - worstNano + nano;
            response.end(sealer.final(usage, { sequence: 2, costNano: nano, cumulativeNano: most }).wire);
        };
        let worstNano = 0n;
        gateway.dispatcher.handlers.set(node!.id, (envelope, response) => {
            worstNano = envelope.cap.cumulativeNano;
            refuseFirst = () => void refusing(503, 'draining')(envelope, response);
            gateway.dispatcher.handlers.set(node!.id, answer);
        });
        const first = refusalOf(ask(gateway.service));
        await until(() => worstNano > 0n);
        expect((await refusalOf(ask(gateway.service))).code).toBe('answer_invalid');
        await first;
        expect([gateway.banned, gateway.avoided]).toEqual([[], [node!.id]]);
        const lost = gateway.ledger.open();
        expect(lost).toMatchObject([{ state: 'lost', checkpoint: { receipt: { sequence: 2 } } }]);
    });

    test('a frame altered on the way: answer_invalid, but whoever altered it, no node is banned for it', async () => {
        const gateway = await startGateway(folder);
        const [node] = gateway.nodes;
        gateway.dispatcher.handlers.set(node!.id, async (envelope, response) => {
            const sealer = await sealerFor(node!, envelope);
            const wire = Buffer.concat([sealer.start(), sealer.head({ status: 200, headers: {} })]);
            wire[wire.length - 1]! ^= 1;
            response.end(wire);
        });
        expect((await refusalOf(ask(gateway.service))).code).toBe('answer_invalid');
        expect([gateway.banned, gateway.avoided]).toEqual([[], [node!.id]]);
    });
});

describe('it says no', () => {
    test('to a model that nobody serves: 404', async () => {
        const gateway = await startGateway(folder);
        const error = await refusalOf(ask(gateway.service, question({ model: 'gpt' })));
        expect(error).toMatchObject({ code: 'model_not_found', status: 404, param: 'model' });
    });

    test('to a path that nobody serves for the model: 404', async () => {
        const gateway = await startGateway(folder);
        const error = await refusalOf(ask(gateway.service, question({}, { path: '/v1/embeddings' })));
        expect(error.code).toBe('model_not_found');
    });

    test('when no node is trusted: 503 with why', async () => {
        const gateway = await startGateway(folder, { nodes: 0 });
        expect(await refusalOf(ask(gateway.service))).toMatchObject({ code: 'no_trusted_node', status: 503 });
    });

    test('to a price below every offer', async () => {
        const gateway = await startGateway(folder);
        const error = await refusalOf(ask(gateway.service, question({}, { maxOutputPriceNano: 1n })));
        expect(error.code).toBe('price_too_high');
    });

    test('for a node that is not trusted', async () => {
        const gateway = await startGateway(folder);
        const error = await refusalOf(ask(gateway.service, question({}, { nodeId: '00' })));
        expect(error.code).toBe('no_trusted_node');
    });

    test('when the dispatcher cannot be reached: nothing left, so nothing stays reserved', async () => {
        const gateway = await startGateway(folder);
        await gateway.dispatcher.stop();
        expect(await refusalOf(ask(gateway.service))).toMatchObject({ code: 'dispatcher_unavailable', status: 503 });
        expect(openNano(gateway)).toBe(0n);
    });

    test('when the dispatcher hangs up without an answer: the worst case stays reserved', async () => {
        const gateway = await startGateway(folder);
        gateway.dispatcher.handlers.set(gateway.nodes[0]!.id, (_envelope, response) => void response.destroy());
        expect((await refusalOf(ask(gateway.service))).code).toBe('dispatcher_unavailable');
        expect(openNano(gateway)).toBeGreaterThan(0n);
    });

    test('when something in between answers instead of the dispatcher: the worst case stays reserved', async () => {
        const gateway = await startGateway(folder);
        gateway.dispatcher.handlers.set(gateway.nodes[0]!.id, (_envelope, response) => {
            response.writeHead(502);
            response.end('<html>Bad Gateway</html>');
        });
        expect((await refusalOf(ask(gateway.service))).code).toBe('node_failed');
        expect(openNano(gateway)).toBeGreaterThan(0n);
    });
});

describe('time', () => {
    test('a deadline that passed at the dispatcher: 504, and nobody else is asked', async () => {
        const gateway = await startGateway(folder, { nodes: 3 });
        for (const node of gateway.nodes) {
            gateway.dispatcher.handlers.set(node.id, (envelope, response) => {
                gateway.clock.advance(60_000);
                return refusing(504, 'deadline_passed')(envelope, response);
            });
        }
        expect(await refusalOf(ask(gateway.service))).toMatchObject({ code: 'request_timeout', status: 504 });
        expect(gateway.dispatcher.asked).toHaveLength(1);
    });

    test('all attempts share one deadline', async () => {
        const gateway = await startGateway(folder, { nodes: 3 });
        for (const node of gateway.nodes) {
            gateway.dispatcher.handlers.set(node.id, (envelope, response) => {
                gateway.clock.advance(400);
                return refusing(429, 'node_busy')(envelope, response);
            });
        }
        const error = await refusalOf(ask(gateway.service, question({}, { timeoutMs: 700 })));
        expect(error.code).toBe('request_timeout');
        const deadlines = new Set(gateway.dispatcher.asked.map(({ context }) => context.deadlineMs));
        expect([gateway.dispatcher.asked.length, deadlines.size]).toEqual([2, 1]);
    });

    test('a caller who has gone is not served, and pays nothing', async () => {
        const gateway = await startGateway(folder);
        const error = await refusalOf(ask(gateway.service, question({}, { signal: AbortSignal.abort() })));
        expect(error.code).toBe('request_timeout');
        expect(gateway.dispatcher.asked).toEqual([]);
        expect(openNano(gateway)).toBe(0n);
    });

    test('a caller who goes while the node works: the request is lost until its receipt is found', async () => {
        const gateway = await startGateway(folder);
        const gone = new AbortController();
        gateway.dispatcher.handlers.set(gateway.nodes[0]!.id, () => void setTimeout(() => gone.abort(), 20));
        const error = await refusalOf(ask(gateway.service, question({}, { signal: gone.signal })));
        expect(error.code).toBe('request_timeout');
        expect(gateway.ledger.totals().requests.lost).toBe(1);
    });
});

describe('recovery', () => {
    /** A request whose answer never came, and the receipt that the node signed for it. */
    async function lostRequest() {
        const gateway = await startGateway(folder);
        const [node] = gateway.nodes;
        let [payload, checkpoint] = ['', ''];
        gateway.dispatcher.handlers.set(node!.id, async (envelope, response) => {
            const sealer = await sealerFor(node!, envelope);
            sealer.start();
            const figures = { sequence: 1, costNano: 500n, cumulativeNano: 500n };
            checkpoint = sealer.checkpoint(usage, figures).payload.toString('base64');
            const final = { sequence: 2, costNano: usageCostNano, cumulativeNano: usageCostNano };
            payload = sealer.final(usage, final).payload.toString('base64');
            response.destroy();
        });
        await refusalOf(ask(gateway.service));
        const id = gateway.dispatcher.asked[0]!.context.requestId.toString('hex');
        return { ...gateway, id, payload, checkpoint };
    }

    test('finds the receipt of a lost request, and frees the rest of its reservation', async () => {
        const { dispatcher, recovery, ledger, id, payload } = await lostRequest();
        dispatcher.states.set(id, { state: 'final', receipt: { payload }, checkpoint: null });
        await recovery.recoverAll();
        expect(ledger.totals()).toMatchObject({ requests: { final: 1 }, costNano: usageCostNano, openNano: 0n });
    });

    test('believes no receipt that the node did not sign', async () => {
        const { dispatcher, recovery, ledger, id, payload } = await lostRequest();
        const forged = Buffer.from(payload, 'base64');
        forged[70]! ^= 1;
        dispatcher.states.set(id, { state: 'final', receipt: { payload: forged.toString('base64') } });
        await recovery.recoverAll();
        expect(ledger.totals().requests.lost).toBe(1);
    });

    test('frees what the node refused, waits while it runs', async () => {
        const { dispatcher, recovery, ledger, id } = await lostRequest();
        dispatcher.states.set(id, { state: 'running' });
        await recovery.recoverAll();
        expect(ledger.totals().requests.lost).toBe(1);
        dispatcher.states.set(id, { state: 'refused' });
        await recovery.recoverAll();
        expect(ledger.totals()).toMatchObject({ requests: { failed: 1 }, openNano: 0n });
    });

    test('frees what no dispatcher ever heard of, but only once its deadline is over', async () => {
        const { recovery, ledger, clock } = await lostRequest();
        await recovery.recoverAll();
        expect(ledger.totals().requests.lost).toBe(1);
        clock.advance(121_000);
        await recovery.recoverAll();
        expect(ledger.totals().requests.failed).toBe(1);
    });

    test('frees what a node that died for good may have signed, once the hub settles nothing of it any more', async () => {
        const { recovery, ledger, clock, dispatcher, id, settles } = await lostRequest();
        dispatcher.states.set(id, { state: 'lost' });
        clock.advance(121_000);
        await recovery.recoverAll();
        expect(ledger.totals().requests.lost).toBe(1);
        settles.possible = false;
        await recovery.recoverAll();
        expect(ledger.totals()).toMatchObject({ requests: { failed: 1, lost: 0 }, openNano: 0n });
    });

    test('a checkpoint that only the dispatcher has counts too, whatever the dispatcher says of the request', async () => {
        const { recovery, ledger, clock, dispatcher, id, settles, checkpoint } = await lostRequest();
        for (const state of ['lost', 'failed', 'refused']) {
            dispatcher.states.set(id, { state, checkpoint: { payload: checkpoint } });
            await recovery.recoverAll();
            expect(ledger.open()).toMatchObject([{ state: 'lost', checkpoint: { receipt: { costNano: 500n } } }]);
        }
        dispatcher.states.clear();
        clock.advance(121_000);
        settles.possible = false;
        await recovery.recoverAll();
        expect(ledger.totals()).toMatchObject({ requests: { final: 1 }, costNano: 500n, openNano: 0n });
    });

    test('a forged checkpoint neither counts nor holds the request up', async () => {
        const { recovery, ledger, clock, dispatcher, id, settles, checkpoint } = await lostRequest();
        const forged = Buffer.from(checkpoint, 'base64');
        forged[70]! ^= 1;
        dispatcher.states.set(id, { state: 'lost', checkpoint: { payload: forged.toString('base64') } });
        clock.advance(121_000);
        settles.possible = false;
        await recovery.recoverAll();
        expect(ledger.totals()).toMatchObject({ requests: { failed: 1, lost: 0 }, costNano: 0n, openNano: 0n });
    });

    test('frees nothing while a dispatcher does not answer', async () => {
        const { recovery, ledger, clock, dispatcher } = await lostRequest();
        clock.advance(121_000);
        await dispatcher.stop();
        await recovery.recoverAll();
        expect(ledger.totals().requests.lost).toBe(1);
    });
});
