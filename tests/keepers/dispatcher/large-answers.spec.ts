import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import Fastify from 'fastify';
import { DispatchError } from '../../../keepers/dispatch';
import { LargeAnswers, type LargeAnswersOptions } from '../../../keepers/dispatcher/large-answers';

const endings: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

/** More than what lies between two sockets takes in. */
const large = Array.from({ length: 384 }, () => Buffer.alloc(64 * 1024, ' '));

async function serverOf(options: LargeAnswersOptions) {
    const answers = new LargeAnswers(options);
    const server = Fastify({ forceCloseConnections: true });
    server.setErrorHandler((error, _request, reply) => reply.code((error as DispatchError).status).send());
    server.get('/large', (_request, reply) => answers.send(reply, large));
    server.get('/small', (_request, reply) => answers.send(reply, [Buffer.from('{}')]));
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    endings.push(() => server.close());
    return url;
}

/** Asks, and reads no more than the beginning. */
async function askAndWait(url: string): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    endings.push(() => void socket.destroy());
    socket.on('error', () => undefined);
    socket.write('GET /large HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'readable');
    return socket;
}

/** Undefined where it was cut off. */
const statusOf = async (url: string) => {
    const answer = await fetch(url);
    return answer.arrayBuffer().then(
        () => answer.status,
        () => undefined,
    );
};

test('as many large answers as may wait for their readers at once; another has to ask again, small ones do not', async () => {
    const url = await serverOf({ most: 2 });
    const [first] = [await askAndWait(url), await askAndWait(url)];
    expect(await statusOf(`${url}/large`)).toBe(429);
    expect(await statusOf(`${url}/small`)).toBe(200);
    first.destroy();
    while ((await statusOf(`${url}/large`)) !== 200);
});

test('a large answer comes whole, and so does a small one', async () => {
    const url = await serverOf({ most: 1 });
    const bytesOf = async (path: string) => Buffer.from(await (await fetch(`${url}${path}`)).arrayBuffer());
    expect((await bytesOf('/large')).equals(Buffer.concat(large))).toBe(true);
    expect((await bytesOf('/small')).toString()).toBe('{}');
});

test('who does not read is cut off after a while, and frees the place', async () => {
    const url = await serverOf({ most: 1, readWithinMs: 1_500 });
    const idle = await askAndWait(url);
    const closed = once(idle, 'close');
    while ((await statusOf(`${url}/large`)) !== 200);
    idle.resume();
    await closed;
});
