import { once } from 'node:events';
import type { WebSocket } from 'ws';
import {
    type AnswerListener,
    encodeBundle,
    encodeJsonMessage,
    encodeRequestMessage,
    keepAlive,
    linkOperation,
    messagesIn,
    NodeLink,
} from '../../../keepers/dispatch';
import { nextMessage, socketPair } from './socket-pair';

const id = Buffer.alloc(16, 1);
const otherId = Buffer.alloc(16, 2);

function listener() {
    return { frames: jest.fn(), refused: jest.fn(), lost: jest.fn(), superseded: jest.fn() } satisfies AnswerListener;
}

async function connected() {
    const { near, far } = await socketPair();
    const events = { update: jest.fn(), orphan: jest.fn(), load: jest.fn(), closed: jest.fn() };
    return { link: new NodeLink(near, Buffer.alloc(32, 9), events), events, near, far };
}

/** Everything sent before has arrived when this resolves. */
async function settled(near: WebSocket, far: WebSocket) {
    const heard = once(near, 'ping');
    far.ping();
    await heard;
}

test('a request goes out behind its operation, and its frames come back to who sent it', async () => {
    const { link, near, far } = await connected();
    const [one, other] = [listener(), listener()];
    const arrived = nextMessage(far);
    expect(link.send(id, Buffer.from('envelope'), one)).toBe(true);
    link.send(otherId, Buffer.from('another'), other);
    // At once, not with the other: a commit may follow.
    expect((await arrived).toString('latin1')).toBe('\x02envelope');
    expect(link.inFlight).toBe(2);
    far.send(encodeRequestMessage(linkOperation.frames, id, Buffer.from('wire')));
    await settled(near, far);
    expect(one.frames).toHaveBeenCalledWith(Buffer.from('wire'));
    expect(other.frames).not.toHaveBeenCalled();
});

test('frames of several requests in one bundle reach each its own', async () => {
    const { link, near, far } = await connected();
    const [one, other] = [listener(), listener()];
    link.send(id, Buffer.alloc(1), one);
    link.send(otherId, Buffer.alloc(1), other);
    const frames = (of: Buffer, wire: string) => [Buffer.from([linkOperation.frames]), of, Buffer.from(wire)];
    far.send(encodeBundle([frames(id, 'first'), frames(otherId, 'second'), frames(id, 'third')]));
    await settled(near, far);
    expect(one.frames.mock.calls.map(([bytes]) => String(bytes))).toEqual(['first', 'third']);
    expect(other.frames.mock.calls.map(([bytes]) => String(bytes))).toEqual(['second']);
});

test('cancel and taken name the request', async () => {
    const { link, far } = await connected();
    const messages: string[] = [];
    far.on('message', (data: Buffer) => messages.push(...messagesIn(data)!.map((one) => one.toString('hex'))));
    link.cancel(id);
    link.taken(otherId);
    await settled(far, (link as unknown as { socket: WebSocket }).socket);
    expect(messages).toEqual([`03${id.toString('hex')}`, `15${otherId.toString('hex')}`]);
});

test('a refusal reaches its request; frames of a released request are dropped', async () => {
    const { link, near, far } = await connected();
    const [one, other] = [listener(), listener()];
    link.send(id, Buffer.alloc(1), one);
    link.send(otherId, Buffer.alloc(1), other);
    link.release(otherId);
    const refusal = { code: 'node_busy', message: 'later', retryAfterMs: 5 };
    far.send(encodeRequestMessage(linkOperation.refuse, id, Buffer.from(JSON.stringify(refusal))));
    far.send(encodeRequestMessage(linkOperation.frames, otherId, Buffer.from('wire')));
    await settled(near, far);
    expect(one.refused).toHaveBeenCalledWith(refusal);
    expect(other.frames).not.toHaveBeenCalled();
});

test('when the node goes away every open request hears of it once, after the link said so', async () => {
    const { link, events, far } = await connected();
    const order: string[] = [];
    events.closed.mockImplementation(() => order.push('closed'));
    const listeners = [listener(), listener()];
    listeners.forEach((one) => one.lost.mockImplementation(() => order.push('lost')));
    link.send(id, Buffer.alloc(1), listeners[0]!);
    link.send(otherId, Buffer.alloc(1), listeners[1]!);
    far.terminate();
    await once((link as unknown as { socket: WebSocket }).socket, 'close');
    expect(order).toEqual(['closed', 'lost', 'lost']);
    expect(link.inFlight).toBe(0);
});

test('what is sent to a node that has gone is said not to have left', async () => {
    const { link, near } = await connected();
    near.close();
    const late = listener();
    expect(link.send(id, Buffer.alloc(1), late)).toBe(false);
    expect(link.inFlight).toBe(0);
    link.cancel(id);
    link.taken(id);
    await once(near, 'close');
    expect(late.lost).not.toHaveBeenCalled();
});

describe('a node that does not speak the protocol is dropped', () => {
    const cases: [string, string | Buffer][] = [
        ['text', 'hello'],
        ['an empty message', Buffer.alloc(0)],
        ['an unknown operation', Buffer.from([99])],
        ['frames without a request', encodeRequestMessage(linkOperation.frames, Buffer.alloc(3))],
        ['an orphan without a request', encodeRequestMessage(linkOperation.orphan, Buffer.alloc(3))],
        ['an empty bundle', Buffer.from([linkOperation.bundle])],
        ['a bundle that is cut off', Buffer.from([linkOperation.bundle, 0, 0, 0, 9, linkOperation.frames])],
        ['a bundle in a bundle', Buffer.from([linkOperation.bundle, 0, 0, 0, 1, linkOperation.bundle])],
        ['an update that is no JSON', Buffer.from([linkOperation.update, 0x7b])],
        ['an update with other fields', encodeJsonMessage(linkOperation.update, { inFlight: -1 })],
    ];
    test.each(cases)('%s', async (_what, message) => {
        const { far, events } = await connected();
        far.send(message);
        const [code] = (await once(far, 'close')) as [number];
        expect(code).toBe(1008);
        expect(events.update).not.toHaveBeenCalled();
    });

    test('a refusal that is malformed', async () => {
        const { link, near, far } = await connected();
        const one = listener();
        link.send(id, Buffer.alloc(1), one);
        far.send(encodeRequestMessage(linkOperation.refuse, id, Buffer.from('{"code":"Not A Code","message":""}')));
        await once(near, 'close');
        expect(one.refused).not.toHaveBeenCalled();
        expect(one.lost).toHaveBeenCalledTimes(1);
    });
});

test('a reason of any length and alphabet closes the link instead of breaking it', async () => {
    const { link, far } = await connected();
    link.close('\u{1f916}'.repeat(200));
    const [code, reason] = (await once(far, 'close')) as [number, Buffer];
    expect(code).toBe(1008);
    expect(reason.length).toBeLessThanOrEqual(123);
});

test('an orphan and an update are handed on', async () => {
    const { events, near, far } = await connected();
    far.send(encodeRequestMessage(linkOperation.orphan, id, Buffer.from('receipt')));
    far.send(
        encodeJsonMessage(linkOperation.update, { kemCertificates: ['AAAA'], offer: 'AAAA', inFlight: 1, queued: 0 }),
    );
    await settled(near, far);
    expect(events.orphan).toHaveBeenCalledWith({ requestId: id, rest: Buffer.from('receipt') });
    expect(events.update).toHaveBeenCalledWith(expect.objectContaining({ inFlight: 1 }));
});

describe('heartbeat', () => {
    const limits = { pingIntervalMs: 20, silenceLimitMs: 100 };

    test('a peer that answers pings stays', async () => {
        const { near, far } = await socketPair();
        keepAlive(near, limits);
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect([near.readyState, far.readyState]).toEqual([1, 1]);
    });

    test('a peer that is heard anyway is not pinged', async () => {
        const { near, far } = await socketPair();
        const pinged = jest.fn();
        far.on('ping', pinged);
        keepAlive(near, { pingIntervalMs: 50, silenceLimitMs: 250 });
        const talking = setInterval(() => far.send('here'), 5);
        await new Promise((resolve) => setTimeout(resolve, 300));
        clearInterval(talking);
        expect(pinged).not.toHaveBeenCalled();
        await once(far, 'ping');
        expect(near.readyState).toBe(1);
    });

    test('a peer that falls silent is cut off', async () => {
        const { near, far } = await socketPair();
        far.pause();
        keepAlive(near, limits);
        await once(near, 'close');
        expect(near.readyState).toBe(3);
    });

    test('a closed socket leaves no timer behind', async () => {
        const { near } = await socketPair();
        const clear = jest.spyOn(global, 'clearInterval');
        keepAlive(near, limits);
        near.terminate();
        await once(near, 'close');
        expect(clear).toHaveBeenCalled();
        clear.mockRestore();
    });
});
