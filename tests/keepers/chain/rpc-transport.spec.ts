import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ChainClient, RpcTransport, type RpcTransportOptions } from '../../../keepers/chain';

type Reply = { status: number; body: unknown; delayMs?: number };

const servers: Server[] = [];

/** Answers one request after another from the list, the last one for ever. */
async function endpoint(...replies: Reply[]): Promise<{ url: string; methods: string[]; keys: unknown[] }> {
    const methods: string[] = [];
    const keys: unknown[] = [];
    const server = createServer((request, response) => {
        let text = '';
        request.on('data', (chunk: Buffer) => (text += chunk.toString()));
        request.on('end', () => {
            const reply = replies[Math.min(methods.length, replies.length - 1)]!;
            methods.push((JSON.parse(text) as { method: string }).method);
            keys.push(request.headers['x-api-key']);
            const send = () =>
                response
                    .writeHead(reply.status)
                    .end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
            setTimeout(send, reply.delayMs ?? 0);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jsonRPC`, methods, keys };
}

const ok = (result: unknown): Reply => ({ status: 200, body: { ok: true, result } });
const failed = (status: number, error = 'failure'): Reply => ({ status, body: { ok: false, error, code: status } });

function transport(endpoints: string[], options: Partial<RpcTransportOptions> = {}): RpcTransport {
    return new RpcTransport({ endpoints, firstDelayMs: 1, maxDelayMs: 2, attempts: 3, ...options });
}

afterAll(() => {
    for (const server of servers) server.closeAllConnections();
    for (const server of servers) server.close();
});

describe('RpcTransport', () => {
    it.each([429, 500, 503])('tries again after %d', async (status) => {
        const { url, methods } = await endpoint(failed(status), ok(7));
        expect(await transport([url]).call('getThing', {})).toBe(7);
        expect(methods).toEqual(['getThing', 'getThing']);
    });

    it('gives up with a retryable error when every attempt failed', async () => {
        const { url, methods } = await endpoint(failed(429));
        await expect(transport([url]).call('getThing', {})).rejects.toMatchObject({
            code: 'rpc_rate_limited',
            action: 'retry',
        });
        expect(methods).toHaveLength(3);
    });

    it('does not repeat a request that the endpoint calls wrong', async () => {
        const { url, methods } = await endpoint(failed(422, 'bad address'));
        await expect(transport([url]).call('getThing', {})).rejects.toMatchObject({ code: 'rpc_refused' });
        expect(methods).toHaveLength(1);
    });

    it('does not repeat a message that a contract refused, and reads its exit code', async () => {
        const reason = 'LITE_SERVER_UNKNOWN: cannot apply external message to current state: exitcode=133, steps=28';
        const { url, methods } = await endpoint(failed(500, reason));
        await expect(transport([url]).call('sendBoc', {})).rejects.toMatchObject({
            code: 'message_rejected',
            exitCode: 133,
        });
        expect(methods).toHaveLength(1);
    });

    it('fails over to the next endpoint and stays there', async () => {
        const broken = await endpoint(failed(502));
        const whole = await endpoint(ok(1));
        const rpc = transport([broken.url, whole.url]);
        expect(await rpc.call('a', {})).toBe(1);
        expect(await rpc.call('b', {})).toBe(1);
        expect(broken.methods).toEqual(['a']);
        expect(whole.methods).toEqual(['a', 'b']);
    });

    it('takes silence and a dead port for unavailable', async () => {
        const slow = await endpoint({ ...ok(1), delayMs: 500 });
        const options = { timeoutMs: 50, attempts: 1 };
        await expect(transport([slow.url], options).call('a', {})).rejects.toMatchObject({ code: 'rpc_unavailable' });
        const dead = transport(['http://127.0.0.1:1/'], options);
        await expect(dead.call('a', {})).rejects.toMatchObject({ code: 'rpc_unavailable' });
    });

    it('takes an answer that is no JSON for a broken endpoint', async () => {
        const { url } = await endpoint({ status: 200, body: '<html>' }, ok(3));
        expect(await transport([url]).call('a', {})).toBe(3);
    });

    it('sends the API key, and no more at once than allowed', async () => {
        const { url, keys, methods } = await endpoint({ ...ok(1), delayMs: 60 });
        const rpc = transport([url], { apiKey: 'secret', maxConcurrency: 2 });
        const calls = Promise.all(Array.from({ length: 4 }, () => rpc.call('a', {})));
        await new Promise((resolve) => setTimeout(resolve, 40));
        expect(methods.length).toBeLessThanOrEqual(2);
        await calls;
        expect(new Set(keys)).toEqual(new Set(['secret']));
    });
});

describe('ChainClient', () => {
    it('calls an answer of another form malformed instead of guessing', async () => {
        const { url } = await endpoint(ok({ balance: 'many' }));
        const client = new ChainClient({ endpoints: [url], attempts: 1 });
        await expect(client.getChainTimeSec()).rejects.toMatchObject({ code: 'rpc_malformed', action: 'stop' });
    });
});
