import { once } from 'node:events';
import { WebSocket } from 'ws';
import { bindingOfEnvelope, encodeCapRaise, signCapRaise } from '../../../keepers/confidential';
import { encodeBundle, gatewayMessage, linkOperation, maxLinkedEnvelopeBytes } from '../../../keepers/dispatch';
import { stranger } from '../confidential/exchange';
import { finalOf, opening, sealerOf, sealRequest, session, usageCostNano } from '../dispatch/sealed-request';
import { nextMessage, socketPair } from '../dispatch/socket-pair';
import { GatewayLink } from '../../../keepers/dispatcher/gateway-link';
import { silentLogger } from '../../../keepers/base';
import { temporaryFolder } from '../ledger/temporary-folder';
import { linkedDispatcher, pause, ScriptedGateway, settled } from './linked-dispatcher';

const folder = temporaryFolder();

/** A dispatcher, its node, and a gateway's bare socket. */
async function linked(maxConcurrency?: number) {
    const parts = await linkedDispatcher(folder, maxConcurrency);
    return { ...parts, gateway: await ScriptedGateway.connect(parts.url) };
}

test('answers of several requests come over one connection, each whole, the receipt on disk before its frame', async () => {
    const { gateway, node, ledger } = await linked();
    const requests = await Promise.all(['one', 'two', 'three'].map((name) => sealRequest({ name: `linked ${name}` })));
    for (const request of requests) gateway.ask(request);
    const wires = new Map<string, Buffer>();
    let sequence = 0;
    for (let count = 0; count < requests.length; count++) {
        await node.heard(linkOperation.request);
        const request = requests[count]!;
        const sealer = sealerOf(request, 10n ** 9n);
        const before = BigInt(sequence) * usageCostNano;
        const wire = Buffer.concat([opening(sealer), finalOf(sealer, ++sequence, before).wire]);
        wires.set(request.requestId.toString('hex'), wire);
        node.frames(request.requestId, wire);
    }
    for (const { requestId } of requests) {
        await gateway.hears('end', requestId);
        expect(gateway.wireOf(requestId).equals(wires.get(requestId.toString('hex'))!)).toBe(true);
        expect((await ledger.requestState(requestId))!.state).toBe('final');
    }
});

test('a refusal names its request, with the status and code that HTTP gives', async () => {
    const { gateway, node } = await linked();
    const unknown = await sealRequest({ name: 'linked stranger', signer: stranger });
    gateway.ask(unknown);
    expect(await gateway.hearsFailure('fail', unknown.requestId)).toMatchObject({
        status: 403,
        code: 'session_unknown',
    });
    const refused = await sealRequest({ name: 'linked refused' });
    gateway.ask(refused);
    await node.heard(linkOperation.request);
    node.refuse(refused.requestId, 'model_unknown');
    const failure = await gateway.hearsFailure('fail', refused.requestId);
    expect(failure).toMatchObject({ status: 503, code: 'node_refused', nodeCode: 'model_unknown' });
});

test('an answer that breaks off says so to its own request alone', async () => {
    const { gateway, node } = await linked();
    const [lost, other] = [await sealRequest({ name: 'linked lost' }), await sealRequest({ name: 'linked other' })];
    gateway.ask(lost);
    gateway.ask(other);
    await node.heard(linkOperation.request);
    await node.heard(linkOperation.request);
    node.frames(lost.requestId, opening(sealerOf(lost)));
    node.frames(lost.requestId, Buffer.from('nothing that an honest node sends'));
    expect(await gateway.hearsFailure('fail', lost.requestId)).toMatchObject({ code: 'node_lost' });
    const wire = Buffer.concat([opening(sealerOf(other))]);
    node.frames(other.requestId, wire);
    while (gateway.wireOf(other.requestId).length < wire.length) await once(gateway.socket, 'message');
    expect(gateway.socket.readyState).toBe(WebSocket.OPEN);
});

test('a cancellation reaches the node, of the own requests only', async () => {
    const { gateway, node, url } = await linked();
    const request = await sealRequest({ name: 'linked cancel' });
    gateway.ask(request);
    await node.heard(linkOperation.request);
    const foreign = await ScriptedGateway.connect(url);
    foreign.say('cancel', request.requestId);
    await settled(foreign);
    await pause(20);
    expect(node.messages).toEqual([]);
    gateway.say('cancel', request.requestId);
    expect((await node.heard(linkOperation.cancel)).equals(request.requestId)).toBe(true);
    const sealer = sealerOf(request, 10n ** 9n);
    node.frames(request.requestId, Buffer.concat([opening(sealer), finalOf(sealer).wire]));
    await node.heard(linkOperation.taken);
    await settled(gateway);
    expect(gateway.heard).toEqual([]);
});

test('with its connection all requests of a gateway end, at the node too', async () => {
    const { gateway, node, service } = await linked();
    const requests = [await sealRequest({ name: 'linked gone 1' }), await sealRequest({ name: 'linked gone 2' })];
    for (const request of requests) gateway.ask(request);
    await node.heard(linkOperation.request);
    await node.heard(linkOperation.request);
    gateway.socket.terminate();
    const cancelled = [await node.heard(linkOperation.cancel), await node.heard(linkOperation.cancel)];
    expect(cancelled.map((id) => id.toString('hex')).sort()).toEqual(
        requests.map(({ requestId }) => requestId.toString('hex')).sort(),
    );
    node.socket.terminate();
    while (service.inFlight > 0) await pause(2);
});

test('a raised cap is acknowledged once it is on disk; what is wrong with one is said', async () => {
    const { gateway, node, ledger } = await linked();
    const request = await sealRequest({ name: 'linked raise', capNano: 1_000n, allowanceNano: 1_000n, windowed: true });
    gateway.ask(request);
    await node.heard(linkOperation.request);
    const binding = bindingOfEnvelope(request.envelope);
    const amounts = { requestId: request.requestId, allowanceNano: 2_000n, cumulativeNano: 2_000n };
    gateway.say('raise', request.requestId, encodeCapRaise(signCapRaise(binding, amounts, stranger)));
    expect(await gateway.hearsFailure('notRaised', request.requestId)).toMatchObject({
        status: 403,
        code: 'cap_invalid',
    });
    gateway.say('raise', request.requestId, encodeCapRaise(signCapRaise(binding, amounts, session)));
    await gateway.hears('raised', request.requestId);
    expect((await ledger.requestState(request.requestId))!.capCumulativeNano).toBe(2_000n);
    gateway.say('raise', Buffer.alloc(16, 7), Buffer.alloc(10));
    expect(await gateway.hearsFailure('notRaised', Buffer.alloc(16, 7))).toMatchObject({ code: 'cap_invalid' });
});

test('what was cancelled before it was admitted never reaches the node', async () => {
    const { gateway, node } = await linked(1);
    const [first, second] = [await sealRequest({ name: 'linked busy' }), await sealRequest({ name: 'linked waits' })];
    gateway.ask(first);
    await node.heard(linkOperation.request);
    gateway.ask(second);
    await settled(gateway);
    gateway.say('cancel', second.requestId);
    await settled(gateway);
    const sealer = sealerOf(first, 10n ** 9n);
    node.frames(first.requestId, Buffer.concat([opening(sealer), finalOf(sealer).wire]));
    await gateway.hears('end', first.requestId);
    await pause(20);
    expect(node.messages.map(({ operation }) => operation)).not.toContain(linkOperation.request);
});

describe('a gateway that does not speak the protocol is dropped', () => {
    const id = Buffer.alloc(16, 1);
    const cases: [string, string | Buffer][] = [
        ['text', 'hello'],
        ['an empty message', Buffer.alloc(0)],
        ['a message too short to name a request', Buffer.from([2, 1, 2])],
        ['an operation of the other side', Buffer.concat(gatewayMessage('frames', id, Buffer.alloc(8)))],
        ['an unknown operation', Buffer.concat([Buffer.from([99]), id])],
        ['an empty bundle', Buffer.from([22])],
        ['a bundle that is cut off', Buffer.from([22, 0, 0, 1, 0, 2, 1])],
        ['a bundle in a bundle', encodeBundle([[Buffer.from([22, 0, 0, 0, 1, 3])], [Buffer.from([3]), id]])],
    ];
    test.each(cases)('%s', async (_what, message) => {
        const { near, far } = await socketPair();
        const service = { relay: jest.fn(), raise: jest.fn() };
        new GatewayLink({ socket: near, service, logger: silentLogger() });
        far.send(message);
        expect((await once(far, 'close'))[0]).toBe(1008);
        expect(service.relay).not.toHaveBeenCalled();
        expect(service.raise).not.toHaveBeenCalled();
    });

    test('a message larger than any may be', async () => {
        const { gateway } = await linked();
        gateway.socket.send(Buffer.alloc(1024 * 1024 + 1));
        expect((await gateway.closed())[0]).toBe(1009);
    });

    test('the same request twice, and nothing of the first one is charged anew', async () => {
        const { gateway, node } = await linked();
        const request = await sealRequest({ name: 'linked twice' });
        gateway.ask(request);
        await node.heard(linkOperation.request);
        gateway.ask(request);
        expect(await gateway.closed()).toEqual([1008, 'that request runs on this connection']);
        await node.heard(linkOperation.cancel);
        expect(node.messages).toEqual([]);
    });
});

test('noise in place of an envelope, another request id, and too large a one fail by themselves', async () => {
    const { gateway, node } = await linked();
    const id = Buffer.alloc(16, 9);
    const request = await sealRequest({ name: 'linked mismatch' });
    gateway.say('request', id, Buffer.from('no envelope'));
    expect(await gateway.hearsFailure('fail', id)).toMatchObject({ status: 400, code: 'envelope_invalid' });
    gateway.heard.length = 0;
    gateway.say('request', id, request.bytes);
    expect(await gateway.hearsFailure('fail', id)).toMatchObject({ status: 400, code: 'envelope_invalid' });
    gateway.heard.length = 0;
    gateway.say('request', id, Buffer.alloc(maxLinkedEnvelopeBytes + 1));
    expect(await gateway.hearsFailure('fail', id)).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(node.messages).toEqual([]);
    gateway.ask(request);
    await node.heard(linkOperation.request);
});

test('a flood of noise is refused request by request, and the rest runs', async () => {
    const { gateway, node } = await linked();
    const running = await sealRequest({ name: 'linked before the flood' });
    gateway.ask(running);
    await node.heard(linkOperation.request);
    const noise = Buffer.alloc(50 * 1024);
    for (let count = 0; count < 200; count++) {
        const id = Buffer.alloc(16);
        id.writeUInt32BE(count);
        gateway.say('request', id, noise);
    }
    await settled(gateway);
    const codes = gateway.heard.map(({ rest }) => (JSON.parse(rest.toString()) as { code: string }).code);
    expect(codes.length).toBe(200);
    expect(new Set(codes)).toEqual(new Set(['envelope_invalid']));
    node.frames(running.requestId, opening(sealerOf(running)));
    await gateway.hears('frames', running.requestId);
});

test('a connection carries so many requests and no more; one that ends makes room', async () => {
    const { near, far } = await socketPair();
    const ends: (() => void)[] = [];
    const service = { relay: () => new Promise<void>((resolve) => ends.push(resolve)), raise: async () => undefined };
    new GatewayLink({ socket: near, service, logger: silentLogger(), maxStreams: 2 });
    const ask = async (name: string) => {
        const { requestId, bytes } = await sealRequest({ name: `linked room ${name}` });
        far.send(Buffer.concat(gatewayMessage('request', requestId, bytes)));
    };
    for (const name of ['one', 'two']) await ask(name);
    const answered = nextMessage(far);
    await ask('three');
    expect(JSON.parse((await answered).subarray(17).toString())).toMatchObject({ status: 429, code: 'link_full' });
    expect(ends.length).toBe(2);
    ends[0]!();
    await ask('four');
    while (ends.length < 3) await pause(2);
});
