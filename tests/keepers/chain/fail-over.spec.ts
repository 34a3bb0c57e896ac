import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Address } from '@ton/core';
import { ChainClient, type ChainClientOptions } from '../../../keepers/chain';

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

/** getAddressInformation of an account with so much. */
const ok = (balance: number): Reply => ({
    status: 200,
    body: {
        ok: true,
        result: {
            balance: String(balance),
            state: 'uninitialized',
            code: '',
            data: '',
            last_transaction_id: { lt: '0', hash: Buffer.alloc(32).toString('base64') },
            block_id: { seqno: 5 },
            sync_utime: 1_800_000_000,
        },
    },
});
const failed = (status: number, error = 'failure'): Reply => ({ status, body: { ok: false, error, code: status } });
const account = new Address(0, Buffer.alloc(32, 1));

function clientOf(endpoints: string[], options: Partial<ChainClientOptions> = {}): ChainClient {
    return new ChainClient({ endpoints, firstDelayMs: 1, maxDelayMs: 2, attempts: 3, ...options });
}

const read = async (client: ChainClient) => Number(await client.getBalanceNano(account));
const method = 'getAddressInformation';

afterAll(() => {
    for (const server of servers) server.closeAllConnections();
    for (const server of servers) server.close();
});

describe('a call of the chain', () => {
    it.each([500, 503])('tries again after %d', async (status) => {
        const { url, methods } = await endpoint(failed(status), ok(7));
        expect(await read(clientOf([url]))).toBe(7);
        expect(methods).toEqual([method, method]);
    });

    it('gives up with a retryable error when every attempt failed', async () => {
        const { url, methods } = await endpoint(failed(503));
        const host = new URL(url).host;
        await expect(read(clientOf([url]))).rejects.toMatchObject({
            code: 'rpc_unavailable',
            action: 'retry',
            context: { endpoint: host },
        });
        expect(methods).toHaveLength(3);
    });

    it('waits as long as an endpoint asks that limits its requests', async () => {
        const { url, methods } = await endpoint(failed(429), ok(7));
        const startedMs = Date.now();
        expect(await read(clientOf([url]))).toBe(7);
        expect(Date.now() - startedMs).toBeGreaterThanOrEqual(990);
        expect(methods).toHaveLength(2);
    });

    it('does not repeat a request that the endpoint calls wrong', async () => {
        const { url, methods } = await endpoint(failed(422, 'bad address'));
        await expect(read(clientOf([url]))).rejects.toMatchObject({ code: 'rpc_refused' });
        expect(methods).toHaveLength(1);
    });

    const refusal = 'LITE_SERVER_UNKNOWN: cannot apply external message to current state: exitcode=133, steps=28';

    it('does not repeat a message that a contract refused, and reads its exit code', async () => {
        const { url, methods } = await endpoint(failed(500, refusal));
        const sent = clientOf([url]).sendBoc(Buffer.from('boc'));
        await expect(sent).rejects.toMatchObject({ code: 'message_rejected', exitCode: 133 });
        expect(methods).toHaveLength(1);
    });

    it('believes a refusal of a message when two operators refuse it', async () => {
        const accepted = { status: 200, body: { ok: true, result: { '@type': 'ok' } } };
        const [behind, whole] = [await endpoint(failed(500, refusal)), await endpoint(accepted)];
        await clientOf([behind.url, whole.url]).sendBoc(Buffer.from('boc'));
        expect([behind.methods, whole.methods]).toEqual([['sendBoc'], ['sendBoc']]);
        const both = [behind.url, (await endpoint(failed(500, refusal))).url];
        await expect(clientOf(both).sendBoc(Buffer.from('boc'))).rejects.toMatchObject({ code: 'message_rejected' });
    });

    it('fails over to the next endpoint and stays there', async () => {
        const broken = await endpoint(failed(502));
        const whole = await endpoint(ok(1));
        const client = clientOf([broken.url, whole.url]);
        expect(await read(client)).toBe(1);
        expect(await read(client)).toBe(1);
        expect(broken.methods).toHaveLength(1);
        expect(whole.methods).toHaveLength(2);
        expect(client.health.status().endpoints.map(({ state }) => state)).toEqual(['unreachable', 'healthy']);
    });

    it('asks another endpoint where the key of one is refused', async () => {
        const locked = await endpoint(failed(401, 'API key does not exist'));
        expect(await read(clientOf([locked.url, (await endpoint(ok(4))).url]))).toBe(4);
    });

    it('takes silence and a dead port for unavailable', async () => {
        const slow = await endpoint({ ...ok(1), delayMs: 500 });
        const options = { timeoutMs: 50, attempts: 1 };
        await expect(read(clientOf([slow.url], options))).rejects.toMatchObject({ code: 'rpc_unavailable' });
        const dead = clientOf(['http://127.0.0.1:1/'], options);
        await expect(read(dead)).rejects.toMatchObject({ code: 'rpc_unavailable' });
    });

    it('takes an answer that is no JSON for a broken endpoint', async () => {
        const { url } = await endpoint({ status: 200, body: '<html>' }, ok(3));
        expect(await read(clientOf([url]))).toBe(3);
    });

    it('leaves an endpoint alone that has failed many times in a row', async () => {
        const { url, methods } = await endpoint(failed(500));
        const client = clientOf([url]);
        for (let i = 0; i < 10; i++) await expect(read(client)).rejects.toMatchObject({ code: 'rpc_unavailable' });
        expect(methods.length).toBeLessThanOrEqual(12);
        expect(client.health.status()).toMatchObject({ mode: 'degraded', reasons: ['unreachable'] });
    });

    it('sends an API key to its endpoint alone, and no more at once than allowed', async () => {
        const keyed = await endpoint({ ...ok(1), delayMs: 60 });
        const other = await endpoint(ok(2));
        const client = clientOf([], {
            endpoints: [{ url: keyed.url, apiKey: 'secret' }, other.url],
            maxConcurrency: 2,
        });
        const accounts = [1, 2, 3, 4].map((byte) => new Address(0, Buffer.alloc(32, byte)));
        const calls = Promise.all(accounts.map((each) => client.getBalanceNano(each)));
        await new Promise((resolve) => setTimeout(resolve, 40));
        expect(keyed.methods.length).toBeLessThanOrEqual(2);
        await calls;
        await client.agree((view) => view.getBalanceNano(account)).catch(() => undefined);
        expect(new Set(keyed.keys)).toEqual(new Set(['secret']));
        expect(new Set(other.keys)).toEqual(new Set([undefined]));
        expect(JSON.stringify(client.health.status())).not.toContain('secret');
    });

    it('lets readers of one account share a call that has not left yet, and no other', async () => {
        const { url, methods } = await endpoint({ ...ok(1), delayMs: 30 });
        const client = clientOf([url], { maxConcurrency: 1 });
        const first = read(client);
        const others = Promise.all([read(client), read(client)]);
        await first;
        await others;
        expect(methods.length).toBeLessThanOrEqual(2);
        const running = read(client);
        await new Promise((resolve) => setTimeout(resolve, 10));
        await Promise.all([running, read(client)]);
        expect(methods.length).toBeGreaterThanOrEqual(3);
    });

    it('calls an answer of another form malformed instead of guessing', async () => {
        const { url } = await endpoint({ status: 200, body: { ok: true, result: { balance: 'many' } } });
        const client = clientOf([url], { attempts: 1 });
        await expect(client.getChainTimeSec()).rejects.toMatchObject({ code: 'rpc_malformed', action: 'stop' });
        expect(client.health.status()).toMatchObject({ mode: 'degraded', reasons: ['schema_unknown'] });
        await expect(client.sendBoc(Buffer.from('boc'))).rejects.toMatchObject({ code: 'chain_upgraded' });
    });
});
