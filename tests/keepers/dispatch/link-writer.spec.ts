import { once } from 'node:events';
import fc from 'fast-check';
import type { WebSocket } from 'ws';
import { encodeBundle, LinkWriter, messagesIn } from '../../../keepers/dispatch';
import { nextMessage, socketPair } from './socket-pair';

const message = (text: string) => [Buffer.from('x'), Buffer.from(text)];

/** WebSocket messages as they arrive, each as the texts in it. */
function heardBy(socket: WebSocket): string[][] {
    const heard: string[][] = [];
    socket.on('message', (data: Buffer) => heard.push(messagesIn(data)!.map((one) => one.subarray(1).toString())));
    return heard;
}

test('what is said in one step of the event loop travels as one message, in order', async () => {
    const { near, far } = await socketPair();
    const writer = new LinkWriter(near);
    const heard = heardBy(far);
    writer.post(message('one'));
    writer.post(message('two'));
    await nextMessage(far);
    writer.post(message('three'));
    await nextMessage(far);
    expect(heard).toEqual([['one', 'two'], ['three']]);
});

test('what may wait goes with the next message that may not, and keeps its place', async () => {
    const { near, far } = await socketPair();
    const writer = new LinkWriter(near, { gatherMs: 60_000 });
    const heard = heardBy(far);
    writer.post(message('first'), 'soon');
    await nextMessage(far);
    writer.post(message('waits'), 'soon');
    writer.post(message('waits too'), 'soon');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual([['first']]);
    writer.post(message('now'));
    await nextMessage(far);
    expect(heard).toEqual([['first'], ['waits', 'waits too', 'now']]);
});

test('what may wait goes by itself after a while', async () => {
    const { near, far } = await socketPair();
    const writer = new LinkWriter(near, { gatherMs: 10 });
    const heard = heardBy(far);
    writer.post(message('first'), 'soon');
    await nextMessage(far);
    writer.post(message('second'), 'soon');
    writer.post(message('third'), 'soon');
    await nextMessage(far);
    expect(heard).toEqual([['first'], ['second', 'third']]);
});

test('what nobody waits for waits itself, though the link was silent, for whatever is said next', async () => {
    const { near, far } = await socketPair();
    const writer = new LinkWriter(near);
    const heard = heardBy(far);
    writer.post(message('late'), 'late');
    writer.post(message('late too'), 'late');
    writer.post(message('now'));
    await nextMessage(far);
    writer.post(message('alone'), 'late');
    await nextMessage(far);
    expect(heard).toEqual([['late', 'late too', 'now'], ['alone']]);
});

test('what may wait a little does not wait as long as what nobody waits for', async () => {
    const { near, far } = await socketPair();
    const writer = new LinkWriter(near, { gatherMs: 1 });
    const heard = heardBy(far);
    writer.post(message('late'), 'late');
    writer.post(message('soon'), 'soon');
    await nextMessage(far);
    expect(heard).toEqual([['late', 'soon']]);
});

test('a bundle does not grow without bound', async () => {
    const { near, far } = await socketPair();
    const writer = new LinkWriter(near);
    const heard = heardBy(far);
    const large = 'x'.repeat(100_000);
    for (let count = 0; count < 5; count++) writer.post(message(large));
    while (heard.flat().length < 5) await nextMessage(far);
    expect(heard.map((bundle) => bundle.length)).toEqual([2, 2, 1]);
});

test('a peer that reads nothing is cut off once too much waits for it', async () => {
    const { near, far } = await socketPair();
    far.pause();
    const writer = new LinkWriter(near, { maxBacklogBytes: 1_000_000 });
    const closed = once(near, 'close');
    const flood = setInterval(() => writer.post([Buffer.alloc(1_000_000)]), 1);
    await closed;
    clearInterval(flood);
    writer.post(message('to nobody'));
    expect(near.readyState).toBe(near.CLOSED);
});

const anyMessage = fc.uint8Array({ minLength: 1, maxLength: 40 }).filter(([operation]) => operation !== 22);

test('a bundle holds the messages that were put in', () => {
    fc.assert(
        fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 20 }), (messages) => {
            const wanted = messages.map((one) => Buffer.from(one));
            expect(messagesIn(encodeBundle(wanted.map((one) => [one.subarray(0, 1), one.subarray(1)])))).toEqual(
                wanted,
            );
        }),
    );
});

test('of any bytes come whole messages, or nothing', () => {
    fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
            for (const data of [Buffer.from(bytes), Buffer.concat([Buffer.from([22, 0, 0]), Buffer.from(bytes)])])
                for (const one of messagesIn(data) ?? []) {
                    expect(one.length).toBeGreaterThan(0);
                    if (data[0] === 22) expect(one[0]).not.toBe(22);
                }
        }),
    );
});
