import type { AnswerEvent } from '../../../keepers/confidential';
import { decodeOrphan, linkOperation, maxNodeMessageBytes } from '../../../keepers/dispatch';
import type { NodeLog } from '../../../keepers/ledger';
import { EngineError } from '../../../keepers/node/engine';
import { bytesOf } from '../confidential/exchange';
import { hub } from '../dispatch/sealed-request';
import { chunk, end, head, type Script } from './node-fixture';
import { ended, pause, read, startedNode, until } from './started-node';

/** Works until it is told to stop. */
const endless: Script = async function* (_request, signal) {
    yield head;
    for (let tokens = 1; !signal.aborted; tokens = Math.min(tokens + 1, 60)) {
        yield chunk('x', tokens);
        await pause(5);
    }
    throw new EngineError('cancelled', 'the request was cancelled');
};

test('a request is answered over the socket, to its final receipt', async () => {
    const { dispatcher, seal, ready } = await startedNode();
    await ready();
    const request = await seal('s1');
    dispatcher.request(request.bytes);
    await until(() => ended(dispatcher.wire(request.requestId)));
    const events = read(request, dispatcher.wire(request.requestId));
    expect(events.map(({ type }) => type)).toEqual(['start', 'head', 'body', 'final']);
});

test('an answer that comes in one piece leaves in pieces that a dispatcher takes', async () => {
    const bytes = 5 * 1024 * 1024;
    const script: Script = async function* () {
        yield head;
        yield { type: 'chunk', data: Buffer.alloc(bytes, 'a') };
        yield end(3);
    };
    const { dispatcher, seal, ready } = await startedNode({ script });
    await ready();
    const request = await seal('large');
    dispatcher.request(request.bytes);
    await until(() => ended(dispatcher.wire(request.requestId)));
    const events = read(request, dispatcher.wire(request.requestId));
    const body = events.reduce((sum, event) => sum + (event.type === 'body' ? event.data.length : 0), 0);
    expect(body).toBe(bytes);
    const longest = Math.max(...dispatcher.of(linkOperation.frames).map(({ rest }) => rest.length));
    expect(longest).toBeLessThan(maxNodeMessageBytes);
});

test('a cancelled request ends soon, signed for what was done', async () => {
    const { dispatcher, seal, ready } = await startedNode({ script: endless });
    await ready();
    const request = await seal('s2');
    dispatcher.request(request.bytes);
    await until(() => dispatcher.wire(request.requestId).length > 500);
    dispatcher.say(linkOperation.cancel, request.requestId);
    await until(() => ended(dispatcher.wire(request.requestId)));
    const events = read(request, dispatcher.wire(request.requestId));
    expect(events.at(-2)).toMatchObject({ type: 'error', code: 'cancelled' });
    expect((events.at(-1) as Extract<AnswerEvent, { type: 'final' }>).receipt.receipt.costNano).toBeGreaterThan(0n);
});

test('a cancellation that comes while the request is being admitted is not lost', async () => {
    let admitted!: () => void;
    const admission = new Promise<void>((resolve) => (admitted = resolve));
    const { dispatcher, seal, ready } = await startedNode({ script: endless, admission });
    await ready();
    const request = await seal('s3');
    dispatcher.request(request.bytes);
    dispatcher.say(linkOperation.cancel, request.requestId);
    await pause(30);
    admitted();
    await until(() => ended(dispatcher.wire(request.requestId)));
});

test('a second request under the id of a running one is refused', async () => {
    const { dispatcher, seal, ready } = await startedNode({ script: endless });
    await ready();
    const request = await seal('s4');
    dispatcher.request(request.bytes);
    dispatcher.request(request.bytes);
    await until(() => dispatcher.of(linkOperation.refuse).length === 1);
    expect(dispatcher.of(linkOperation.refuse)[0]!.rest.toString()).toContain('request_replayed');
});

test('what is no envelope is passed over', async () => {
    const { dispatcher, seal, ready } = await startedNode();
    await ready();
    dispatcher.request(Buffer.from('garbage'));
    dispatcher.socket.send(Buffer.from([linkOperation.cancel, 1, 2]));
    const request = await seal('s5');
    dispatcher.request(request.bytes);
    await until(() => ended(dispatcher.wire(request.requestId)));
});

test('when the connection breaks the work stops, and its receipt comes again until it is taken', async () => {
    const { dispatcher, seal, ready, service } = await startedNode({ script: endless });
    await ready();
    const request = await seal('s6');
    dispatcher.request(request.bytes);
    await until(() => dispatcher.wire(request.requestId).length > 0);
    dispatcher.socket.terminate();
    await until(() => service.inFlight === 0);
    await until(() => dispatcher.of(linkOperation.orphan).length > 0);
    expect(dispatcher.dials).toBe(2);
    const [orphan] = dispatcher.of(linkOperation.orphan);
    expect(orphan!.requestId.equals(request.requestId)).toBe(true);
    expect(decodeOrphan(orphan!.rest)!.requestHash.equals(request.envelope.requestHash)).toBe(true);
    dispatcher.say(linkOperation.taken, request.requestId);
    await pause(30);
    dispatcher.messages.length = 0;
    dispatcher.socket.terminate();
    await until(() => dispatcher.dials === 3 && dispatcher.of(linkOperation.hello).length > 0);
    await pause(50);
    expect(dispatcher.of(linkOperation.orphan)).toEqual([]);
});

test('a dispatcher of another network or hub gets no hello', async () => {
    const { dispatcher } = await startedNode({ scope: { network: bytesOf('elsewhere'), hub } });
    await pause(60);
    expect(dispatcher.messages).toEqual([]);
});

test('a dispatcher that turns the hello away is dialled ever more slowly', async () => {
    const { dispatcher } = await startedNode();
    const turnAway = () => dispatcher.socket.close(1008, 'not admitted');
    const times: number[] = [];
    for (let dial = 1; dial <= 4; dial++) {
        await until(() => dispatcher.dials === dial && dispatcher.of(linkOperation.hello).length === dial);
        times.push(Date.now());
        turnAway();
    }
    expect(times[3]! - times[2]!).toBeGreaterThan(490);
});

test('without a place for its receipts the node stops: it takes no more work and leaves', async () => {
    const log = { append: () => Promise.reject(new Error('disk full')) } as unknown as NodeLog;
    const { dispatcher, seal, ready, service } = await startedNode({ log });
    await ready();
    const request = await seal('s7');
    dispatcher.request(request.bytes);
    await until(() => !service.connected);
    await pause(400);
    expect(dispatcher.dials).toBe(1);
    expect(ended(dispatcher.wire(request.requestId))).toBe(false);
});

test('while receipts cannot be kept nobody is served or kept waiting, and afterwards everything is as before', async () => {
    let room!: () => void;
    const hasRoom = new Promise<void>((resolve) => (room = resolve));
    const log = { append: () => hasRoom } as unknown as NodeLog;
    const { dispatcher, seal, ready, service } = await startedNode({ log });
    await ready();
    const request = await seal('s10');
    dispatcher.request(request.bytes);
    await until(() => service.inFlight === 1);
    service.setLogTrouble('ENOSPC');
    await until(() => dispatcher.dials === 2);
    await pause(100);
    expect([dispatcher.of(linkOperation.hello).length, service.receiptProblem]).toEqual([1, 'ENOSPC']);
    room();
    service.setLogTrouble(null);
    await until(
        () => dispatcher.of(linkOperation.hello).length === 2 && dispatcher.of(linkOperation.orphan).length > 0,
    );
    expect(service.receiptProblem).toBeNull();
});

test('stopping: what runs is signed, new requests are refused', async () => {
    const { dispatcher, seal, ready, service } = await startedNode({ script: endless });
    await ready();
    const [running, late] = [await seal('s8'), await seal('s9')];
    dispatcher.request(running.bytes);
    await until(() => dispatcher.wire(running.requestId).length > 0);
    const stopped = service.stop(100);
    dispatcher.request(late.bytes);
    await stopped;
    expect(ended(dispatcher.wire(running.requestId))).toBe(true);
    expect(dispatcher.of(linkOperation.refuse)[0]!.rest.toString()).toContain('node_draining');
    expect([service.connected, service.inFlight]).toEqual([false, 0]);
});
