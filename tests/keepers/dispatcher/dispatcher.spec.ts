import { once } from 'node:events';
import { WebSocket } from 'ws';
import { ManualClock, silentLogger } from '../../../keepers/base';
import type { ParsedEnvelope, Signer } from '../../../keepers/confidential';
import {
    encodeJsonMessage,
    encodeOrphan,
    encodeRequestMessage,
    EscrowBook,
    linkOperation,
} from '../../../keepers/dispatch';
import { createDispatcherServer, DispatcherService, type DispatcherOptions } from '../../../keepers/dispatcher';
import { bytesOf, stranger } from '../confidential/exchange';
import {
    account,
    escrow,
    finalOf,
    hub,
    network,
    node,
    nowMs,
    opening,
    orphanOf,
    sealerOf,
    sealRequest,
    type SealedRequest,
    usageCostNano,
} from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { ScriptedNode, termsOf } from './scripted-node';
import { openNewLedger } from '../../support/new-ledger';

const folder = temporaryFolder();
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

async function dispatcher(overrides: Partial<DispatcherOptions> = {}, maxBodyBytes = 1_000_000) {
    const ledger = await openNewLedger(folder);
    const clock = new ManualClock(nowMs);
    const service = new DispatcherService({
        network,
        hub,
        ledger,
        book: new EscrowBook({ read: async () => account(), clock }),
        isAdmitted: async () => true,
        queueLimitPerNode: 1,
        clock,
        logger: silentLogger(),
        ...overrides,
    });
    const server = createDispatcherServer({ service, maxBodyBytes, logger: silentLogger() });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    endings.push(async () => {
        await server.close();
        await idle(service);
        await ledger.close();
    });
    return { service, ledger, url, server, clock };
}

async function idle(service: DispatcherService): Promise<void> {
    for (let tries = 0; service.inFlight > 0 && tries < 100; tries++) await pause(5);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let tries = 0; !(await condition()); tries++) {
        if (tries > 1_000) throw new Error('it never happened');
        await pause(5);
    }
}

async function withNode(...args: Parameters<typeof dispatcher>) {
    const parts = await dispatcher(...args);
    const scripted = await ScriptedNode.connect(parts.url);
    endings.push(() => scripted.socket.terminate());
    await until(() => parts.service.connectedNodes === 1);
    return { ...parts, scripted };
}

interface PostOptions {
    type?: string;
    signal?: AbortSignal;
    /** As who takes a request over. */
    from?: number;
}

function post(url: string, body: Buffer, { type = 'application/octet-stream', signal, from }: PostOptions = {}) {
    const query = from === undefined ? '' : `?from=${from}`;
    const headers = { 'content-type': type };
    return fetch(`${url}/v1/requests${query}`, { method: 'POST', body: new Uint8Array(body), headers, signal });
}

async function errorOf(answer: Response) {
    return [answer.status, ((await answer.json()) as { error: { code: string } }).error.code];
}

/** Answers every request whole, and remembers what it sent. */
function answerAll(scripted: ScriptedNode, requests: SealedRequest[]): Buffer[] {
    const wires: Buffer[] = [];
    let sequence = 0;
    scripted.onRequest = ({ context }) => {
        const request = requests.find(({ requestId }) => requestId.equals(context.requestId))!;
        const sealer = sealerOf(request, 10n ** 9n);
        const before = BigInt(sequence) * usageCostNano;
        const wire = Buffer.concat([opening(sealer), finalOf(sealer, ++sequence, before).wire]);
        wires.push(wire);
        scripted.frames(context.requestId, wire);
    };
    return wires;
}

test('a request goes to its node and its frames come back; the receipt is on disk and the node is told', async () => {
    const { url, scripted } = await withNode();
    const request = await sealRequest({ name: 'd1' });
    const wires = answerAll(scripted, [request]);
    const answer = await post(url, request.bytes);
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(wires[0]!)).toBe(true);
    expect((await scripted.heard(linkOperation.taken)).equals(request.requestId)).toBe(true);
    const state = await (await fetch(`${url}/v1/requests/${request.requestId.toString('hex')}`)).json();
    expect(state).toMatchObject({ state: 'final', receipt: { costNano: usageCostNano.toString() } });
});

test('a hello that is nested deeper than a directory can be written is refused, and the directory stays', async () => {
    const { url } = await withNode();
    const depth = 50_000;
    const collateral = `"collateral":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const spell = (hello: string) => hello.replace('"collateral":null', collateral);
    const hostile = await ScriptedNode.connect(url, { signer: stranger, spell });
    endings.push(() => hostile.socket.terminate());
    expect(await hostile.closed()).toBe('the hello is malformed');
    const directory = await fetch(`${url}/v1/directory`);
    expect(directory.status).toBe(200);
    expect(((await directory.json()) as { nodes: unknown[] }).nodes).toHaveLength(1);
});

test('a request that is taken over again and again holds one place of its node, and its last reader gets the answer', async () => {
    const { url, service, scripted } = await withNode();
    const [taken, other] = [await sealRequest({ name: 'again' }), await sealRequest({ name: 'another' })];
    const first = post(url, taken.bytes);
    await scripted.heard(linkOperation.request);
    const earlier = [first];
    for (let more = 0; more < 6; more++) {
        earlier.push(post(url, taken.bytes, { from: 0 }));
        await scripted.heard(linkOperation.resume);
    }
    const last = earlier.pop()!;
    for (const answer of earlier) expect(await errorOf(await answer)).toEqual([502, 'node_lost']);
    expect(service.inFlight).toBe(1);
    answerAll(scripted, [other, taken]);
    expect((await post(url, other.bytes)).status).toBe(200);
    scripted.onRequest({ context: { requestId: taken.requestId } } as ParsedEnvelope);
    expect((await last).status).toBe(200);
});

test('the directory shows the node as it proved itself, with what it bears', async () => {
    const { url, scripted } = await withNode();
    const read = async () => (await (await fetch(`${url}/v1/directory`)).json()) as { nodes: object[] };
    expect(await read()).toMatchObject({
        network: network.toString('hex'),
        hub: hub.toString('hex'),
        nodes: [{ nodeKey: node.publicKey.toString('hex'), load: { inFlight: 0, maxConcurrency: 4 } }],
    });
    const terms = await termsOf(node, 9);
    scripted.socket.send(encodeJsonMessage(linkOperation.update, { ...terms, inFlight: 0, queued: 0 }));
    for (let tries = 0; tries < 200; tries++) {
        if (JSON.stringify(await read()).includes('"maxConcurrency":9')) return;
        await pause(5);
    }
    throw new Error('the update never showed');
});

describe('a node that is lost', () => {
    test('before its first frame: node_lost in JSON', async () => {
        const { url, scripted } = await withNode();
        scripted.onRequest = () => scripted.socket.terminate();
        expect(await errorOf(await post(url, (await sealRequest({ name: 'd2' })).bytes))).toEqual([502, 'node_lost']);
    });

    test('in the middle: the connection is cut, no end is faked', async () => {
        const { url, scripted, service } = await withNode();
        const request = await sealRequest({ name: 'd3' });
        scripted.onRequest = ({ context }) => {
            scripted.frames(context.requestId, opening(sealerOf(request)));
            setTimeout(() => scripted.socket.terminate(), 30);
        };
        const answer = await post(url, request.bytes);
        expect(answer.status).toBe(200);
        await expect(answer.arrayBuffer()).rejects.toThrow();
        await until(() => service.connectedNodes === 0);
        expect(await errorOf(await post(url, (await sealRequest({ name: 'd4' })).bytes))).toEqual([
            404,
            'node_unknown',
        ]);
    });

    test('sends its receipt again when it is back, even in one breath with its hello', async () => {
        const { url, scripted, ledger } = await withNode();
        const request = await sealRequest({ name: 'd5' });
        scripted.onRequest = () => scripted.socket.terminate();
        await post(url, request.bytes);
        const sealer = sealerOf(request);
        opening(sealer);
        const orphan = encodeOrphan(orphanOf(request, finalOf(sealer).payload));
        const atOnce = encodeRequestMessage(linkOperation.orphan, request.requestId, orphan);
        const back = await ScriptedNode.connect(url, { atOnce });
        endings.push(() => back.socket.terminate());
        expect((await back.heard(linkOperation.taken)).equals(request.requestId)).toBe(true);
        expect(await ledger.requestState(request.requestId)).toMatchObject({ state: 'final' });
    });

    test('frees what waited for it: those requests never left', async () => {
        const { url, scripted, ledger } = await withNode();
        scripted.socket.send(
            encodeJsonMessage(linkOperation.update, { ...(await termsOf(node, 1)), inFlight: 0, queued: 0 }),
        );
        const [first, second] = [await sealRequest({ name: 'd6' }), await sealRequest({ name: 'd7' })];
        const answers = [post(url, first.bytes)];
        await scripted.heard(linkOperation.request);
        answers.push(post(url, second.bytes));
        await pause(50);
        scripted.socket.terminate();
        const codes = await Promise.all(answers.map(async (answer) => errorOf(await answer)));
        expect(codes).toEqual([
            [502, 'node_lost'],
            [404, 'node_unknown'],
        ]);
        expect(await ledger.requestState(second.requestId)).toBeNull();
    });
});

describe('an orphan of a request that is not recorded, as after a crash before its commit', () => {
    /** The node has worked; sends its receipt with the cap that its client signed. */
    async function orphaned(name: string, signer?: Signer) {
        const request = await sealRequest({ name, ...(signer && { signer }) });
        const sealer = sealerOf(request);
        opening(sealer);
        return { request, orphan: orphanOf(request, finalOf(sealer).payload) };
    }

    test('is recorded with its cap and acknowledged: node, settler and gateway find what is owed', async () => {
        const { url, scripted, ledger } = await withNode();
        const { request, orphan } = await orphaned('d8');
        scripted.socket.send(encodeRequestMessage(linkOperation.orphan, request.requestId, encodeOrphan(orphan)));
        expect((await scripted.heard(linkOperation.taken)).equals(request.requestId)).toBe(true);
        expect(await ledger.settleable()).toMatchObject([{ receipt: { cumulativeNano: usageCostNano } }]);
        const state = await (await fetch(`${url}/v1/requests/${request.requestId.toString('hex')}`)).json();
        expect(state).toMatchObject({ state: 'final', receipt: { costNano: usageCostNano.toString() } });
        // The request itself can't come once more.
        expect(await errorOf(await post(url, request.bytes))).toEqual([409, 'request_replayed']);
    });

    test('is not taken with a cap that no session of the escrow signed, nor one of another sum', async () => {
        const { scripted, ledger } = await withNode();
        const { request, orphan } = await orphaned('d8 forged');
        const raised = { ...orphan, cap: { ...orphan.cap, capCumulativeNano: orphan.cap.capCumulativeNano + 1n } };
        const foreign = await orphaned('d8 stranger', stranger);
        for (const [{ requestId }, one] of [[request, raised] as const, [foreign.request, foreign.orphan] as const])
            scripted.socket.send(encodeRequestMessage(linkOperation.orphan, requestId, encodeOrphan(one)));
        await pause(50);
        expect(scripted.messages).toEqual([]);
        expect(await ledger.requestState(request.requestId)).toBeNull();
        expect(await ledger.requestState(foreign.request.requestId)).toBeNull();
    });
});

describe('it refuses', () => {
    test('the same request twice: 409', async () => {
        const { url, scripted } = await withNode();
        const request = await sealRequest({ name: 'd9' });
        answerAll(scripted, [request]);
        await (await post(url, request.bytes)).arrayBuffer();
        expect(await errorOf(await post(url, request.bytes))).toEqual([409, 'request_replayed']);
    });

    test('the same request again while the node is busy, without letting it wait: 409', async () => {
        const { url, scripted, service } = await withNode();
        scripted.socket.send(
            encodeJsonMessage(linkOperation.update, { ...(await termsOf(node, 1)), inFlight: 0, queued: 0 }),
        );
        const request = await sealRequest({ name: 'd18' });
        const running = post(url, request.bytes);
        await scripted.heard(linkOperation.request);
        expect(await errorOf(await post(url, request.bytes))).toEqual([409, 'request_replayed']);
        scripted.socket.terminate();
        await running;
        await until(() => service.connectedNodes === 0);
    });

    test('what is no envelope: 400', async () => {
        const { url } = await withNode();
        const { bytes } = await sealRequest({ name: 'd10' });
        for (const garbage of [
            Buffer.alloc(0),
            Buffer.from('hello'),
            bytes.subarray(0, -1),
            Buffer.concat([bytes, bytes]),
        ])
            expect(await errorOf(await post(url, garbage))).toEqual([400, 'envelope_invalid']);
        expect(await errorOf(await post(url, bytes, { type: 'application/json' }))).toEqual([400, 'envelope_invalid']);
    });

    test('a body beyond the bound: 413', async () => {
        const { url } = await withNode({}, 2_000);
        expect(await errorOf(await post(url, Buffer.alloc(2_001)))).toEqual([413, 'body_too_large']);
    });

    test('a node’s own refusal with its code: 503', async () => {
        const { url, scripted, ledger } = await withNode();
        scripted.onRequest = ({ context }) => scripted.refuse(context.requestId, 'cap_too_low');
        const request = await sealRequest({ name: 'd11' });
        const answer = await post(url, request.bytes);
        expect(answer.status).toBe(503);
        expect(await answer.json()).toMatchObject({ error: { code: 'node_refused', nodeCode: 'cap_too_low' } });
        expect((await ledger.requestState(request.requestId))!.state).toBe('refused');
    });

    test('made-up escrows before they wait: they take no place in a node’s queue', async () => {
        const book = new EscrowBook({ read: async (id) => (id.equals(escrow) ? account() : null) });
        const { url, scripted, service } = await withNode({ book });
        scripted.socket.send(
            encodeJsonMessage(linkOperation.update, { ...(await termsOf(node, 1)), inFlight: 0, queued: 0 }),
        );
        const [first, second] = [await sealRequest({ name: 'd12' }), await sealRequest({ name: 'd13' })];
        const running = post(url, first.bytes);
        await scripted.heard(linkOperation.request);
        const forged = await Promise.all(
            ['x', 'y', 'z'].map((name) => sealRequest({ name, escrow: bytesOf(`made up ${name}`), signer: stranger })),
        );
        for (const { bytes } of forged) expect(await errorOf(await post(url, bytes))).toEqual([403, 'escrow_unknown']);
        const waiting = post(url, second.bytes);
        await pause(50);
        expect(await errorOf(await post(url, (await sealRequest({ name: 'd14' })).bytes))).toEqual([429, 'node_busy']);
        scripted.socket.terminate();
        await Promise.all([running, waiting]);
        await until(() => service.connectedNodes === 0);
    });

    test('unknown routes and ids that are none, in JSON', async () => {
        const { url } = await dispatcher();
        expect(await errorOf(await fetch(`${url}/v1/nothing`))).toEqual([404, 'not_found']);
        expect(await errorOf(await fetch(`${url}/v1/requests/zz`))).toEqual([400, 'envelope_invalid']);
        const unknown = await fetch(`${url}/v1/requests/${'0'.repeat(32)}`);
        expect(await unknown.json()).toEqual({ state: 'unknown' });
    });
});

test('a gateway that goes away while its request waits leaves the queue', async () => {
    const { url, scripted, ledger } = await withNode();
    scripted.socket.send(
        encodeJsonMessage(linkOperation.update, { ...(await termsOf(node, 1)), inFlight: 0, queued: 0 }),
    );
    const requests = await Promise.all(['d15', 'd16', 'd17'].map((name) => sealRequest({ name })));
    void post(url, requests[0]!.bytes).catch(() => undefined);
    await scripted.heard(linkOperation.request);
    const leaving = new AbortController();
    const second = post(url, requests[1]!.bytes, { signal: leaving.signal });
    await pause(50);
    leaving.abort();
    await expect(second).rejects.toThrow();
    await pause(50);
    const third = post(url, requests[2]!.bytes);
    await pause(50);
    scripted.socket.terminate();
    expect((await third).status).toBe(404);
    expect(await ledger.requestState(requests[1]!.requestId)).toBeNull();
});

test('a gateway that goes away in the middle cancels the node, whose receipt is kept', async () => {
    const { url, scripted, ledger } = await withNode();
    const request = await sealRequest({ name: 'd18' });
    const sealer = sealerOf(request);
    scripted.onRequest = ({ context }) => scripted.frames(context.requestId, opening(sealer));
    const leaving = new AbortController();
    const answer = await post(url, request.bytes, { signal: leaving.signal });
    expect(answer.status).toBe(200);
    leaving.abort();
    expect((await scripted.heard(linkOperation.cancel)).equals(request.requestId)).toBe(true);
    scripted.frames(request.requestId, finalOf(sealer).wire);
    await scripted.heard(linkOperation.taken);
    expect((await ledger.requestState(request.requestId))!.state).toBe('final');
});

describe('a node at the door', () => {
    test('is cut off as soon as it sends more than a hello, unread', async () => {
        const { url } = await dispatcher();
        const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/nodes/connect`);
        endings.push(() => socket.terminate());
        await once(socket, 'message');
        socket.send(Buffer.alloc(1_500_000));
        const [code] = (await once(socket, 'close')) as [number];
        // Without a word: the message was never whole.
        expect(code).toBe(1006);
    });

    test('that the hub has not admitted is sent away with the reason', async () => {
        const { url, service } = await dispatcher({ isAdmitted: async () => false });
        const scripted = await ScriptedNode.connect(url);
        expect(await scripted.closed()).toContain('not admitted');
        expect(service.connectedNodes).toBe(0);
    });

    test('is told to dial again while the chain cannot be read', async () => {
        const { url } = await dispatcher({ isAdmitted: () => Promise.reject(new Error('no chain')) });
        expect(await (await ScriptedNode.connect(url)).closed()).toContain('dial again');
    });

    test.each<[string, object]>([
        ['signed by nobody', { signature: Buffer.alloc(64).toString('base64') }],
        ['of another shape', { extra: 1 }],
        ['too large for everyone else to read', { collateral: { filler: 'x'.repeat(300_000) } }],
    ])('with a hello %s is sent away', async (_what, hello) => {
        const { url, service } = await dispatcher();
        await (await ScriptedNode.connect(url, { hello })).closed();
        expect(service.connectedNodes).toBe(0);
    });

    test('that leaves while the chain is asked about it is never listed', async () => {
        let admit!: (admitted: boolean) => void;
        let admitAsked!: () => void;
        const asked = new Promise<void>((resolve) => (admitAsked = resolve));
        const isAdmitted = () => (admitAsked(), new Promise<boolean>((resolve) => (admit = resolve)));
        const { url, service } = await dispatcher({ isAdmitted });
        const scripted = await ScriptedNode.connect(url);
        await asked;
        scripted.socket.terminate();
        await pause(30);
        admit(true);
        await until(() => service.connectedNodes === 0);
        await pause(50);
        expect(service.connectedNodes).toBe(0);
    });

    test('that dials again replaces its old connection', async () => {
        const { url, scripted, service } = await withNode();
        const gone = scripted.closed();
        const again = await ScriptedNode.connect(url);
        endings.push(() => again.socket.terminate());
        expect(await gone).toContain('replaced');
        expect(service.connectedNodes).toBe(1);
        const request = await sealRequest({ name: 'd19' });
        answerAll(again, [request]);
        expect((await post(url, request.bytes)).status).toBe(200);
    });

    test('finds other paths closed to it', async () => {
        const { url } = await dispatcher();
        const { WebSocket } = await import('ws');
        const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/other`);
        const [error] = (await once(socket, 'error')) as [Error];
        expect(error.message).toContain('404');
    });
});

test('draining: what runs ends, nothing new begins, nodes are told, and it is not ready', async () => {
    const { url, scripted, service } = await withNode();
    const request = await sealRequest({ name: 'd20' });
    const sealer = sealerOf(request);
    scripted.onRequest = ({ context }) => scripted.frames(context.requestId, opening(sealer));
    const answer = await post(url, request.bytes);
    const drained = service.drain(60_000);
    expect(await errorOf(await post(url, (await sealRequest({ name: 'd21' })).bytes))).toEqual([503, 'draining']);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    const told = scripted.closed();
    scripted.frames(request.requestId, finalOf(sealer).wire);
    await drained;
    expect(await told).toContain('stopping');
    await expect(answer.arrayBuffer()).resolves.toBeDefined();
});

test('a dispatcher that another process has replaced takes nothing more, though an operator resumes it', async () => {
    const { url, service } = await withNode();
    service.setReplaced();
    service.setDraining(false);
    expect(await errorOf(await post(url, (await sealRequest({ name: 'd23' })).bytes))).toEqual([503, 'draining']);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
});

test('after a crash what ran is lost until its receipt comes', async () => {
    const { ledger, service, url } = await withNode();
    const request = await sealRequest({ name: 'd22' });
    void post(url, request.bytes).catch(() => undefined);
    await until(async () => (await ledger.requestState(request.requestId)) !== null);
    await service.recover();
    expect(await ledger.requestState(request.requestId)).toMatchObject({
        state: 'lost',
        failureCode: 'dispatcher_restarted',
    });
});
