import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { maxLinkedEnvelopeBytes } from '../../../keepers/dispatch';
import { DispatcherClient, type Relayed } from '../../../keepers/gateway/dispatcher-client';
import { maxUnreadBytes } from '../../../keepers/gateway/frame-queue';
import { neverConnected } from '../../../keepers/gateway/not-begun';
import { ScriptedRelay } from './scripted-relay';

const clients: DispatcherClient[] = [];
const servers: Server[] = [];
afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    for (const server of servers.splice(0)) server.close();
});

const idOf = (fill: number) => Buffer.alloc(16, fill);
const envelope = Buffer.from('an envelope');
const live = () => new AbortController().signal;

async function linked() {
    const relay = await ScriptedRelay.start();
    const client = new DispatcherClient(relay.url);
    clients.push(client);
    return { relay, client };
}

async function readAll(relayed: Relayed): Promise<string> {
    if (!relayed.ok) throw new Error('it was refused');
    let text = '';
    for await (const bytes of relayed.frames) text += bytes.toString();
    return text;
}

test('all requests share one connection, and each gets its own frames in order', async () => {
    const { relay, client } = await linked();
    const answers = [1, 2].map((fill) => client.relay({ requestId: idOf(fill), envelope }, live()));
    expect((await relay.hears('request', 2)).rest.equals(envelope)).toBe(true);
    for (const text of ['a', 'b', 'c']) {
        relay.say('frames', idOf(1), Buffer.from(text));
        relay.say('frames', idOf(2), Buffer.from(text.toUpperCase()));
    }
    relay.say('end', idOf(2));
    relay.say('end', idOf(1));
    expect(await Promise.all(answers.map(async (answer) => readAll(await answer)))).toEqual(['abc', 'ABC']);
    expect(relay.dials).toBe(1);
    expect(relay.posted).toEqual([]);
});

test('a failure before any frame is a refusal; behind one the answer breaks off', async () => {
    const { relay, client } = await linked();
    const refused = client.relay({ requestId: idOf(1), envelope }, live());
    const broken = client.relay({ requestId: idOf(2), envelope }, live());
    await relay.hears('request', 2);
    const failure = { status: 503, code: 'node_refused', nodeCode: 'model_unknown', message: 'no', retryAfterMs: 5 };
    relay.say('fail', idOf(1), failure);
    relay.say('frames', idOf(2), Buffer.from('first'));
    relay.say('fail', idOf(2), failure);
    expect(await refused).toEqual({ ok: false, refusal: failure });
    await expect(readAll(await broken)).rejects.toThrow('node_refused');
});

test('a failure that is none of ours to read is one that leaves everything open', async () => {
    const { relay, client } = await linked();
    const refused = client.relay({ requestId: idOf(1), envelope }, live());
    await relay.hears('request');
    relay.say('fail', idOf(1), Buffer.from('{"status":200'));
    expect(await refused).toMatchObject({ ok: false, refusal: { code: 'unreadable' } });
});

test('who goes away cancels; what still comes is passed over', async () => {
    const { relay, client } = await linked();
    const controller = new AbortController();
    const early = client.relay({ requestId: idOf(1), envelope }, controller.signal);
    const late = client.relay({ requestId: idOf(2), envelope }, live());
    await relay.hears('request', 2);
    controller.abort(new Error('the caller went away'));
    await expect(early).rejects.toThrow('the caller went away');
    expect((await relay.hears('cancel')).requestId.equals(idOf(1))).toBe(true);
    relay.say('frames', idOf(2), Buffer.from('first'));
    const relayed = await late;
    if (!relayed.ok) throw new Error('refused');
    relayed.frames.destroy();
    expect((await relay.hears('cancel', 2)).requestId.equals(idOf(2))).toBe(true);
    relay.say('frames', idOf(1), Buffer.from('late'));
    relay.say('end', idOf(2));
    const next = client.relay({ requestId: idOf(3), envelope }, live());
    await relay.hears('request', 3);
    relay.say('frames', idOf(3), Buffer.from('fine'));
    relay.say('end', idOf(3));
    expect(await readAll(await next)).toBe('fine');
});

test('a reader that stands still holds up nobody, and loses its own answer beyond a bound', async () => {
    const { relay, client } = await linked();
    const slow = client.relay({ requestId: idOf(1), envelope }, live());
    const quick = client.relay({ requestId: idOf(2), envelope }, live());
    await relay.hears('request', 2);
    const piece = Buffer.alloc(256 * 1024, 'x');
    for (let sent = 0; sent <= maxUnreadBytes + piece.length; sent += piece.length) relay.say('frames', idOf(1), piece);
    relay.say('frames', idOf(2), Buffer.from('quick'));
    relay.say('end', idOf(2));
    expect(await readAll(await quick)).toBe('quick');
    expect((await relay.hears('cancel')).requestId.equals(idOf(1))).toBe(true);
    await expect(readAll(await slow)).rejects.toMatchObject({ code: 'reader_too_slow', status: 408 });
});

test('when the connection breaks every answer on it breaks, and the next request dials anew', async () => {
    const { relay, client } = await linked();
    const begun = client.relay({ requestId: idOf(1), envelope }, live());
    const waiting = client.relay({ requestId: idOf(2), envelope }, live());
    await relay.hears('request', 2);
    relay.say('frames', idOf(1), Buffer.from('first'));
    const reading = readAll(await begun);
    relay.socket.terminate();
    await expect(reading).rejects.toThrow('connection to the dispatcher was lost');
    const error: unknown = await waiting.catch((failure: unknown) => failure);
    expect(neverConnected(error)).toBe(false);
    const again = client.relay({ requestId: idOf(3), envelope }, live());
    await relay.hears('request', 3);
    relay.say('frames', idOf(3), Buffer.from('again'));
    relay.say('end', idOf(3));
    expect(await readAll(await again)).toBe('again');
    expect(relay.dials).toBe(2);
});

test('a dispatcher that cannot be reached has seen nothing of the request', async () => {
    const client = new DispatcherClient('http://127.0.0.1:1');
    clients.push(client);
    const error: unknown = await client
        .relay({ requestId: idOf(1), envelope }, live())
        .catch((failure: unknown) => failure);
    expect(neverConnected(error)).toBe(true);
});

test('a raised cap is answered; a refusal of it says why, a stop is heeded', async () => {
    const { relay, client } = await linked();
    const answer = client.relay({ requestId: idOf(1), envelope }, live());
    await relay.hears('request');
    relay.say('frames', idOf(1), Buffer.from('first'));
    await answer;
    const taken = client.raise(idOf(1), Buffer.from('raise'), live());
    expect((await relay.hears('raise')).rest.toString()).toBe('raise');
    relay.say('raised', idOf(1));
    await taken;
    const refused = client.raise(idOf(1), Buffer.from('raise'), live());
    await relay.hears('raise', 2);
    relay.say('notRaised', idOf(1), { status: 409, code: 'cap_regression', message: 'no' });
    await expect(refused).rejects.toThrow('cap_regression');
    const stop = new AbortController();
    const stopped = client.raise(idOf(1), Buffer.from('raise'), stop.signal);
    stop.abort(new Error('the answer has ended'));
    await expect(stopped).rejects.toThrow('the answer has ended');
});

test('a request that is large goes by POST, so that it holds up no other', async () => {
    const { relay, client } = await linked();
    const large = Buffer.alloc(maxLinkedEnvelopeBytes + 1);
    expect(await readAll(await client.relay({ requestId: idOf(1), envelope: large }, live()))).toBe('frames');
    expect(relay.posted).toEqual(['/v1/requests']);
    expect(relay.said).toEqual([]);
});

test('a dispatcher without links is spoken to by POST, and not dialled for every request', async () => {
    let upgrades = 0;
    const server = createServer((request, response) => {
        if (request.headers.upgrade) upgrades += 1;
        response.statusCode = request.headers.upgrade ? 404 : 200;
        request.resume().on('end', () => response.end('frames'));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new DispatcherClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    clients.push(client);
    for (const fill of [1, 2])
        expect(await readAll(await client.relay({ requestId: idOf(fill), envelope }, live()))).toBe('frames');
    expect(upgrades).toBe(1);
});

describe('a dispatcher that does not speak the protocol is left', () => {
    const cases: [string, string | Buffer][] = [
        ['text', 'hello'],
        ['an operation of the other side', Buffer.concat([Buffer.from([2]), idOf(1)])],
        ['an unknown operation', Buffer.concat([Buffer.from([99]), idOf(1)])],
        ['a message too short', Buffer.from([17, 1])],
        ['a bundle that is cut off', Buffer.from([22, 0, 0, 9, 9, 17])],
        ['more than a message may hold', Buffer.alloc(1024 * 1024 + 1)],
    ];
    test.each(cases)('%s', async (_what, message) => {
        const { relay, client } = await linked();
        const answer = client.relay({ requestId: idOf(1), envelope }, live());
        answer.catch(() => undefined);
        await relay.hears('request');
        relay.socket.send(message);
        await expect(answer).rejects.toThrow(/broke the protocol|was lost/);
    });

    test('an end before any frame is no answer', async () => {
        const { relay, client } = await linked();
        const answer = client.relay({ requestId: idOf(1), envelope }, live());
        answer.catch(() => undefined);
        await relay.hears('request');
        relay.say('end', idOf(1));
        await expect(answer).rejects.toThrow('had not begun');
    });
});
