import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../../keepers/base';
import { linkOperation } from '../../../keepers/dispatch';
import { scanForPlaintext } from '../../../keepers/devnet/demo/plaintext-scan';
import { type Engine, EngineError, OpenAiCompatibleEngine } from '../../../keepers/node/engine';
import { llamaServer } from './engine/dialects/llama-server';
import { ollama } from './engine/dialects/ollama';
import { type Departure, startScriptedEngine } from './engine/dialects/scripted-engine';
import { sglang } from './engine/dialects/sglang';
import { vllm } from './engine/dialects/vllm';
import { chunk, head, ScriptedEngine } from './node-fixture';
import { ended, read, startedNode, until } from './started-node';

const prompt = 'my neighbour hides the swordfish in a violet suitcase';
const answer = 'the harbour master knows of thirteen copper lanterns';
const bodyOf = (fields: object) =>
    Buffer.from(
        JSON.stringify({ model: 'toy', max_tokens: 64, messages: [{ role: 'user', content: prompt }], ...fields }),
    );
const script = {
    model: 'toy',
    pieces: answer.split(/(?<= )/),
    reasoning: answer,
    toolCall: { name: 'look_up', arguments: [JSON.stringify({ about: prompt })] },
    prompt: 12,
    cached: 0,
    completion: 12,
    reasoningTokens: 0,
};
const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const ending of endings.splice(0).reverse()) await ending();
});

let count = 0;

/** Has a node ask this engine and gives all that may be seen outside of seal and engine: the log and the dispatcher's wire. */
async function seenOutside(engine: Engine, body: Buffer) {
    const lines: string[] = [];
    const logger = createLogger({
        name: 'node',
        level: 'trace',
        destination: { write: (line) => void lines.push(line) },
    });
    const { dispatcher, seal, ready } = await startedNode({ engine, logger });
    await ready();
    const request = await seal(`unspoken ${count++}`, body);
    dispatcher.request(request.bytes);
    const refused = () => dispatcher.of(linkOperation.refuse).length > 0;
    await until(() => ended(dispatcher.wire(request.requestId)) || refused());
    const wire = Buffer.concat(dispatcher.messages.map(({ rest }) => rest));
    const captures = [
        { where: 'log', bytes: Buffer.from(lines.join('')) },
        { where: 'wire', bytes: wire },
    ];
    const events = refused() ? [] : read(request, dispatcher.wire(request.requestId));
    return { captures, lines, failure: events.find(({ type }) => type === 'error') };
}

const expectNothing = (captures: { where: string; bytes: Buffer }[]) =>
    expect(scanForPlaintext(captures, [prompt, answer])).toEqual([]);

describe.each([vllm, sglang, ollama, llamaServer])(
    'a prompt and its answer stay between client and $name',
    (fixture) => {
        const modes: [string, Departure, object][] = [
            ['when all is well', {}, { stream: true }],
            ['when it answers in one piece', {}, {}],
            ['when it refuses', { refuse: true }, {}],
            ['when it fails in mid-stream', { failAfter: 4 }, { stream: true }],
            ['when its connection breaks', { cutAfter: 4 }, { stream: true }],
            ['when the request cannot be metered', {}, { stream: prompt }],
            [
                'when a parameter is refused',
                {},
                { priority: 1, bootstrap_host: prompt, stream_options: prompt, stream: true },
            ],
        ];

        test.each(modes)('%s', async (_, departure, fields) => {
            const server = await startScriptedEngine(fixture, script);
            Object.assign(server.departure, departure);
            const engine = new OpenAiCompatibleEngine({ baseUrl: server.baseUrl, dialect: fixture.name });
            endings.push(server.stop, () => engine.close());
            const { captures } = await seenOutside(engine, bodyOf(fields));
            expectNothing(captures);
        });
    },
);

test.each([
    ['no HTTP at all', `${answer}\r\n${prompt}\r\n\r\n`],
    [
        'a status without end',
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"choices":[{"${answer}"\n\n`,
    ],
    [
        'a body that is no JSON',
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${answer}`,
    ],
    ['a header of its own', `HTTP/1.1 200 OK\r\ncontent-type: ${prompt}\r\nconnection: close\r\n\r\n{}`],
])('nothing is heard of what an engine says that speaks %s', async (_, said) => {
    const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(said));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const engine = new OpenAiCompatibleEngine({
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    endings.push(
        () => new Promise<void>((resolve) => server.close(() => resolve())),
        () => engine.close(),
    );
    const { captures, lines, failure } = await seenOutside(engine, bodyOf({}));
    expectNothing(captures);
    expect(failure).toBeDefined();
    expect(
        scanForPlaintext([{ where: 'error', bytes: Buffer.from(JSON.stringify(failure)) }], [prompt, answer]),
    ).toEqual([]);
    expect(lines.join('')).toContain('the engine did not finish');
});

test.each<[string, () => Error]>([
    ['an error of its own kind', () => new TypeError(`cannot read ${prompt}`)],
    ['an error that was caused by one', () => new EngineError('engine_failed', 'no', { cause: new Error(prompt) })],
    ['an error with the request in it', () => Object.assign(new Error(answer), { body: prompt, messages: [prompt] })],
])('nor of %s', async (_, thrown) => {
    const engine = new ScriptedEngine(async function* () {
        yield head;
        yield chunk(answer, 3);
        throw thrown();
    });
    const { captures, failure } = await seenOutside(engine, bodyOf({}));
    expectNothing(captures);
    expect(failure).toMatchObject({ code: 'engine_failed' });
});

test('the scan would find either, had it been logged', async () => {
    const lines: string[] = [];
    const logger = createLogger({
        name: 'node',
        level: 'trace',
        destination: { write: (line) => void lines.push(line) },
    });
    logger.error({ err: new Error(prompt) }, answer);
    expect(
        new Set(scanForPlaintext([{ where: 'log', bytes: Buffer.from(lines.join('')) }], [prompt, answer])).size,
    ).toBeGreaterThan(1);
});
