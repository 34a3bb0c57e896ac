import { ManualClock, silentLogger } from '../../../keepers/base';
import { AnswerOpener, binding, costNano, withLiveCap, type AnswerEvent } from '../../../keepers/confidential';
import type { NodeLog } from '../../../keepers/ledger';
import { EngineError } from '../../../keepers/node/engine';
import { RequestRun } from '../../../keepers/node/request-run';
import { modelIndex, offer } from '../confidential/exchange';
import { hub, keyringOf, node, nowMs, sealRequest, session } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { chunk, end, gateOf, head, openLog, ScriptedEngine, type Script, tokens } from './node-fixture';

const folder = temporaryFolder();
const terms = offer.models[modelIndex]!;
const body = Buffer.from('{"model":"toy","max_tokens":2000}');
const logs: NodeLog[] = [];
afterEach(() => Promise.all(logs.splice(0).map((log) => log.close())));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a script to its end; gives what the gateway reads, and the node's books. */
async function run(script: Script, options: { signal?: AbortSignal; log?: (log: NodeLog) => NodeLog } = {}) {
    const keyring = await keyringOf(node);
    const { gate } = await gateOf({ keyring });
    const sealed = await sealRequest({ name: `run ${Math.random()}`, keyring, capNano: 1_000_000_000n, body });
    const request = await gate.admit(sealed.envelope, hub);
    const { log, entries } = await openLog(folder);
    logs.push(log);
    const wires: { bytes: Buffer; logged: number }[] = [];
    let logged = 0;
    const counting = {
        append: async (entry: Parameters<NodeLog['append']>[0]) => {
            await (options.log?.(log) ?? log).append(entry);
            logged += 1;
        },
    } as NodeLog;
    const running = new RequestRun({
        request,
        engine: new ScriptedEngine(script),
        signer: node,
        log: counting,
        send: (bytes) => wires.push({ bytes, logged }),
        logger: silentLogger(),
        clock: new ManualClock(nowMs),
    }).run(options.signal ?? new AbortController().signal);
    const read = () => {
        const { context, requestHash } = sealed.envelope;
        const to = binding(context, { requestHash, sessionKey: session.publicKey, capCumulativeNano: 1_000_000_000n });
        const opener = new AnswerOpener({
            to: withLiveCap(to, () => 1_000_000_000n),
            cek: sealed.cek,
            offer,
            modelIndex,
        });
        return opener.push(Buffer.concat(wires.map(({ bytes }) => bytes)));
    };
    return { running, request, wires, entries, read };
}

const kinds = (events: AnswerEvent[]) => events.map(({ type }) => type);
const bodyOf = (events: AnswerEvent[]) =>
    Buffer.concat(events.map((event) => (event.type === 'body' ? event.data : Buffer.alloc(0)))).toString();
const finalOf = (events: AnswerEvent[]) => events.find((event) => event.type === 'final')!;

test('an answer: head with nothing but its type, body in batches, final receipt for exactly what was used', async () => {
    const { running, read, entries } = await run(async function* () {
        yield head;
        yield chunk('a');
        yield chunk('b');
        yield chunk('c');
        yield end(7);
    });
    await running;
    const events = read();
    expect(kinds(events)).toEqual(['start', 'head', 'body', 'body', 'final']);
    expect(events[1]).toMatchObject({ status: 200, headers: { 'content-type': 'text/plain' } });
    expect(bodyOf(events)).toBe('abc');
    expect(finalOf(events)).toMatchObject({ usage: tokens(7) });
    expect(await entries()).toMatchObject([{ final: true, receipt: { costNano: costNano(terms, tokens(7)) } }]);
});

test('nothing leaves before the engine’s first word: until then another node may answer', async () => {
    let speak!: () => void;
    const spoken = new Promise<void>((resolve) => (speak = resolve));
    const { running, wires, read } = await run(async function* () {
        await spoken;
        yield head;
        yield end(7);
    });
    await pause(50);
    expect(wires).toEqual([]);
    speak();
    await running;
    expect(kinds(read())).toEqual(['start', 'head', 'final']);
});

test('every receipt is in the log before its frame leaves', async () => {
    const { running, wires, read } = await run(async function* () {
        yield head;
        for (let completion = 1; completion <= 60; completion++) yield chunk('x', completion * 33);
        yield end(1_980);
    });
    await running;
    let receipts = 0;
    for (const { bytes, logged } of wires) {
        if (bytes[0] === 2 || bytes[0] === 3) receipts += 1;
        expect(logged).toBeGreaterThanOrEqual(receipts);
    }
    expect(receipts).toBeGreaterThan(1);
    expect(bodyOf(read())).toBe('x'.repeat(60));
});

test('checkpoints come as the cost grows, not with every token, and never cost more than what was sent', async () => {
    const { running, read } = await run(async function* () {
        yield head;
        for (let completion = 1; completion <= 60; completion++) yield chunk('x', completion * 33);
        yield end(1_980);
    });
    await running;
    const checkpoints = read().filter((event) => event.type === 'checkpoint');
    expect(checkpoints.length).toBeGreaterThanOrEqual(1);
    expect(checkpoints.length).toBeLessThanOrEqual(8);
});

test('an engine that counts in its last words alone has one receipt signed', async () => {
    const { running, read } = await run(async function* () {
        yield head;
        yield chunk('x');
        yield chunk('usage', 1_980);
        yield chunk('[DONE]', 1_980);
        yield end(1_980);
    });
    await running;
    expect(kinds(read()).filter((kind) => kind !== 'body')).toEqual(['start', 'head', 'final']);
});

describe('an engine that fails', () => {
    test('before its head: the error inside the seal, nothing owed', async () => {
        const { running, read } = await run(async function* () {
            throw new EngineError('engine_overloaded', 'too busy');
            yield head;
        });
        await running;
        const events = read();
        expect(kinds(events)).toEqual(['start', 'error', 'final']);
        expect(events[1]).toMatchObject({ status: 503, code: 'engine_overloaded', message: 'too busy' });
        expect(finalOf(events)).toMatchObject({ receipt: { receipt: { costNano: 0n } } });
    });

    test('after its head: what came before it is delivered and owed', async () => {
        const { running, read } = await run(async function* () {
            yield head;
            yield chunk('half', 3);
            throw new EngineError('engine_failed', 'crashed');
        });
        await running;
        const events = read();
        expect(kinds(events).filter((kind) => kind !== 'checkpoint')).toEqual([
            'start',
            'head',
            'body',
            'error',
            'final',
        ]);
        expect(finalOf(events)).toMatchObject({ receipt: { receipt: { costNano: costNano(terms, tokens(3)) } } });
    });

    test('over a field of the request: the caller learns which, unless the engine names what is none', async () => {
        const failing = async (param: string) => {
            const { running, read } = await run(async function* () {
                yield head;
                throw new EngineError('invalid_request', 'no', { param });
            });
            await running;
            return read().find(({ type }) => type === 'error');
        };
        expect(await failing('messages.0.content')).toMatchObject({ status: 400, param: 'messages.0.content' });
        expect(await failing('the prompt was swordfish')).toEqual({
            type: 'error',
            status: 400,
            code: 'invalid_request',
            message: 'no',
        });
    });

    test('with an error of its own kind: nobody reads its words', async () => {
        const { running, read } = await run(async function* () {
            yield head;
            throw new Error('the prompt was swordfish');
        });
        await running;
        expect(read().find(({ type }) => type === 'error')).toMatchObject({ code: 'engine_failed', status: 502 });
        expect(JSON.stringify(read().filter(({ type }) => type === 'error'))).not.toContain('swordfish');
    });

    test.each<[string, Script]>([
        [
            'that sends a body before its head',
            async function* () {
                yield chunk('early');
            },
        ],
        [
            'that sends two heads',
            async function* () {
                yield head;
                yield head;
            },
        ],
        [
            'that goes on after its end',
            async function* () {
                yield head;
                yield end(1);
                yield chunk('late');
            },
        ],
        [
            'that ends without saying what it used',
            async function* () {
                yield head;
                yield chunk('free');
            },
        ],
    ])('%s', async (_what, script) => {
        const { running, read } = await run(script);
        await running;
        await pause(40);
        expect(kinds(read()).slice(-2)).toEqual(['error', 'final']);
    });
});

test('a cancelled answer is signed for as far as it went', async () => {
    const stop = new AbortController();
    const { running, read } = await run(
        async function* (_request, signal) {
            yield head;
            yield chunk('so far', 4);
            stop.abort(new Error('cancelled'));
            if (signal.aborted) throw new EngineError('cancelled', 'the request was cancelled');
            yield end(64);
        },
        { signal: stop.signal },
    );
    await running;
    expect(bodyOf(read())).toBe('so far');
    expect(finalOf(read())).toMatchObject({ usage: tokens(4) });
});

describe('an engine that counts wrongly', () => {
    test.each([
        ['with its end', [chunk('x', 5), end(1_000_000)]],
        ['of an answer that nobody counted on the way', [chunk('x'), end(1_000_000)]],
        ['on the way', [chunk('x', 1_000_000), end(1_000_000)]],
    ])('more than the request allows, %s: all that it allows is charged, and no more', async (_when, said) => {
        const { running, read, request } = await run(async function* () {
            yield head;
            yield* said;
        });
        await running;
        // max_tokens of the body: who makes an engine work beyond it does not get the work for nothing.
        expect(finalOf(read())).toMatchObject({ usage: tokens(2_000) });
        expect(request.metered.costNano).toBeLessThanOrEqual(request.metered.worstCaseNano);
    });

    test('a part larger than its whole: the last count that makes sense', async () => {
        const { running, read } = await run(async function* () {
            yield head;
            yield chunk('x', 5);
            yield { type: 'end', usage: { ...tokens(6), cachedPromptTokens: 11 } };
        });
        await running;
        expect(finalOf(read())).toMatchObject({ usage: tokens(5) });
    });

    test('less at the end than on the way: the receipt stays with what is signed, and opens at the gateway', async () => {
        const { running, read } = await run(async function* () {
            yield head;
            yield chunk('x', 1_000);
            yield chunk('y', 1_001);
            yield { type: 'end', usage: { ...tokens(1_001), cachedPromptTokens: 9 } };
        });
        await running;
        const events = read();
        expect(kinds(events)).toContain('checkpoint');
        expect(finalOf(events)).toMatchObject({ usage: tokens(1_001) });
    });
});

test('a receipt that cannot be logged never leaves; the reservation is given back, the key erased', async () => {
    const { running, wires, request } = await run(
        async function* () {
            yield head;
            yield end(5);
        },
        { log: () => ({ append: () => Promise.reject(new Error('disk full')) }) as unknown as NodeLog },
    );
    await expect(running).rejects.toThrow('disk full');
    expect(wires.every(({ bytes }) => bytes[0] !== 3)).toBe(true);
    expect(request.cek.every((byte) => byte === 0)).toBe(true);
});
