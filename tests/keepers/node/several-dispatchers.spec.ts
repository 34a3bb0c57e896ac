import { linkOperation } from '../../../keepers/dispatch';
import { EngineError } from '../../../keepers/node/engine';
import { bytesOf } from '../confidential/exchange';
import { hub, network } from '../dispatch/sealed-request';
import { chunk, end, head, type Script, ScriptedEngine } from './node-fixture';
import { ScriptedDispatcher } from './scripted-dispatcher';
import { ended, pause, read, startedNode, until } from './started-node';

const replica = { network, hub };
const elsewhere = { network, hub: bytesOf('another hub') };

/** Says one word, then waits for the test. */
function gated() {
    let open!: () => void;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const engine = new ScriptedEngine(async function* (_request, signal) {
        yield head;
        yield chunk('first ');
        await Promise.race([opened, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
        if (signal.aborted) throw new EngineError('cancelled', 'the request was cancelled');
        yield chunk('second');
        yield end(3);
    });
    return { engine, open };
}

const refusalsAt = (dispatcher: ScriptedDispatcher) =>
    dispatcher.of(linkOperation.refuse).map(({ rest }) => (JSON.parse(rest.toString()) as { code: string }).code);

describe('a request that two replicas pass on', () => {
    test('is answered where it came from, and refused where it comes a second time', async () => {
        const { engine, open } = gated();
        const { dispatcher, others, seal, ready } = await startedNode({ engine, others: [replica] });
        await ready();
        const request = await seal('r1');
        dispatcher.request(request.bytes);
        await until(() => dispatcher.wire(request.requestId).length > 0);
        others[0]!.request(request.bytes);
        await until(() => refusalsAt(others[0]!).length === 1);
        open();
        await until(() => ended(dispatcher.wire(request.requestId)));
        others[0]!.request(request.bytes);
        await until(() => refusalsAt(others[0]!).length === 2);
        expect(refusalsAt(others[0]!)).toEqual(['request_replayed', 'request_replayed']);
        expect([engine.runs, others[0]!.wire(request.requestId).length]).toEqual([1, 0]);
    });

    test('goes on through the second when the first dies, from the first byte and worked on once', async () => {
        const { engine, open } = gated();
        const { dispatcher, others, seal, ready } = await startedNode({
            engine,
            others: [replica],
            resumeGraceMs: 9e3,
        });
        await ready();
        const request = await seal('r2');
        dispatcher.request(request.bytes);
        await until(() => dispatcher.wire(request.requestId).length > 500);
        dispatcher.socket.terminate();
        others[0]!.resume(request.bytes);
        await until(() => others[0]!.wire(request.requestId).length >= dispatcher.wire(request.requestId).length);
        open();
        await until(() => ended(others[0]!.wire(request.requestId)));
        const events = read(request, others[0]!.wire(request.requestId));
        expect(events.map(({ type }) => type)).toEqual(['start', 'head', 'body', 'body', 'final']);
        expect(engine.runs).toBe(1);
    });

    test('is the second one’s while the first still lives: it hears no more of it and cancels it no more', async () => {
        const { engine, open } = gated();
        const { dispatcher, others, seal, ready } = await startedNode({ engine, others: [replica] });
        await ready();
        const request = await seal('r3');
        dispatcher.request(request.bytes);
        await until(() => dispatcher.wire(request.requestId).length > 500);
        others[0]!.resume(request.bytes);
        await until(() => others[0]!.wire(request.requestId).length > 500);
        dispatcher.say(linkOperation.cancel, request.requestId);
        await pause(30);
        open();
        await until(() => ended(others[0]!.wire(request.requestId)));
        expect(read(request, others[0]!.wire(request.requestId)).map(({ type }) => type)).not.toContain('error');
        expect(ended(dispatcher.wire(request.requestId))).toBe(false);
    });

    test('is begun by the second where the first died before it passed it on', async () => {
        const { others, seal, ready, engine } = await startedNode({ others: [replica] });
        await ready();
        const request = await seal('r4');
        others[0]!.resume(request.bytes);
        await until(() => ended(others[0]!.wire(request.requestId)));
        expect((engine as ScriptedEngine).runs).toBe(1);
    });

    test('is there whole after its end too, since a replica may die with the answer in its hands', async () => {
        const { dispatcher, others, seal, ready, engine } = await startedNode({ others: [replica] });
        await ready();
        const request = await seal('r5');
        dispatcher.request(request.bytes);
        await until(() => ended(dispatcher.wire(request.requestId)));
        dispatcher.say(linkOperation.taken, request.requestId);
        dispatcher.socket.terminate();
        others[0]!.resume(request.bytes);
        await until(() => ended(others[0]!.wire(request.requestId)));
        expect(others[0]!.wire(request.requestId).equals(dispatcher.wire(request.requestId))).toBe(true);
        expect((engine as ScriptedEngine).runs).toBe(1);
    });

    test('is refused again by the second as by the first', async () => {
        const { dispatcher, others, seal, ready } = await startedNode({ others: [replica] });
        await ready();
        const request = await seal('r6', Buffer.from('{"model":"gpt","max_tokens":1}'));
        dispatcher.request(request.bytes);
        await until(() => refusalsAt(dispatcher).length === 1);
        others[0]!.resume(request.bytes);
        await until(() => refusalsAt(others[0]!).length === 1);
        expect([...refusalsAt(dispatcher), ...refusalsAt(others[0]!)]).toEqual(['model_unknown', 'model_unknown']);
    });

    test('is not given to the dispatcher of another hub', async () => {
        const { engine } = gated();
        const { dispatcher, others, seal, ready } = await startedNode({ engine, others: [elsewhere] });
        await ready();
        const request = await seal('r7');
        dispatcher.request(request.bytes);
        await until(() => dispatcher.wire(request.requestId).length > 500);
        others[0]!.resume(request.bytes);
        await until(() => refusalsAt(others[0]!).length === 1);
        expect([refusalsAt(others[0]!)[0], others[0]!.wire(request.requestId).length]).toEqual(['answer_not_kept', 0]);
    });

    test('ends, signed for what was done, when nobody takes it over in time', async () => {
        const { engine } = gated();
        const { dispatcher, others, seal, ready, service } = await startedNode({ engine, others: [replica] });
        await ready();
        const request = await seal('r8');
        dispatcher.request(request.bytes);
        await until(() => dispatcher.wire(request.requestId).length > 500);
        dispatcher.socket.terminate();
        await until(() => service.inFlight === 0);
        // The replica that is there may take the receipt: it shares the ledger.
        await until(() => [dispatcher, ...others].some((one) => one.of(linkOperation.orphan).length > 0));
    });
});

test('replicas together give an engine no more at once than the node offers; the rest waits its turn', async () => {
    let [running, most] = [0, 0];
    const script: Script = async function* () {
        most = Math.max(most, ++running);
        yield head;
        await pause(20);
        running -= 1;
        yield end(1);
    };
    const { dispatcher, others, seal, ready } = await startedNode({ script, others: [replica] });
    await ready();
    const requests = await Promise.all(Array.from({ length: 8 }, (_, index) => seal(`many ${index}`)));
    requests.forEach(({ bytes }, index) => (index % 2 === 0 ? dispatcher : others[0]!).request(bytes));
    const wire = (requestId: Buffer) => Buffer.concat([dispatcher, others[0]!].map((one) => one.wire(requestId)));
    await until(() => requests.every(({ requestId }) => ended(wire(requestId))));
    expect(most).toBe(4);
    expect([dispatcher, others[0]!].flatMap(refusalsAt)).toEqual([]);
});

describe('replicas that a dispatcher names', () => {
    test('are dialled too, and load is told to all', async () => {
        const { engine } = gated();
        const named = new ScriptedDispatcher({ ...replica, replica: 'b' });
        const { dispatcher, seal, ready } = await startedNode({ engine, scope: { ...replica, replica: 'a' } });
        await ready();
        dispatcher.tellReplicas([await named.url()]);
        await until(() => named.of(linkOperation.hello).length === 1);
        dispatcher.request((await seal('n1')).bytes);
        await until(() => named.of(linkOperation.load).some(({ requestId }) => requestId.readUInt32BE(0) === 1));
        named.stop();
    });

    test('under a second URL are left alone, or two connections would replace each other for ever', async () => {
        const { dispatcher, service, ready } = await startedNode({ scope: { ...replica, replica: 'a' } });
        await ready();
        dispatcher.tellReplicas([(await dispatcher.url()).replace('127.0.0.1', 'localhost')]);
        await until(() => service.dispatchers.some(({ problem }) => problem?.includes('already') === true));
        expect(dispatcher.of(linkOperation.hello)).toHaveLength(1);
    });

    test('of another hub get no hello, and no more than eight are dialled', async () => {
        const other = new ScriptedDispatcher(elsewhere);
        const { dispatcher, service, ready } = await startedNode();
        await ready();
        dispatcher.tellReplicas([await other.url(), 'http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3']);
        dispatcher.tellReplicas(['4', '5', '6', '7', '9'].map((port) => `http://127.0.0.1:${port}`));
        await until(() => service.dispatchers.length === 8 && other.dials > 0);
        await pause(30);
        expect([other.messages, service.dispatchers.length]).toEqual([[], 8]);
        other.stop();
    });
});
