import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { silentLogger } from '../../../keepers/base';
import { createDispatcherServer } from '../../../keepers/dispatcher/server';
import type { DispatcherService } from '../../../keepers/dispatcher/service';

const endings: (() => unknown)[] = [];
afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
});

async function start() {
    const service = { ready: true } as unknown as DispatcherService;
    const options = { maxBodyBytes: 1_000, maxReceivingBytes: 1_500, logger: silentLogger() };
    const server = createDispatcherServer({ service, ...options });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    endings.push(() => server.close());
    return url;
}

/** A body of which so much has come, and no more does. */
async function beginPost(url: string, bytes: number) {
    const headers = { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' };
    const sending = httpRequest(`${url}/v1/requests`, { method: 'POST', headers, agent: false });
    sending.on('error', () => undefined);
    endings.push(() => sending.destroy());
    const status = once(sending, 'response').then(([answer]) => (answer as { statusCode: number }).statusCode);
    status.catch(() => undefined);
    await new Promise<void>((resolve) => sending.write(Buffer.alloc(bytes), () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { sending, status };
}

async function post(url: string, bytes: number) {
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await fetch(`${url}/v1/requests`, { method: 'POST', headers, body: new Uint8Array(bytes) });
    const { error } = (await answer.json()) as { error: { code: string } };
    return [answer.status, error.code, answer.headers.get('retry-after')];
}

const tooShort = [400, 'envelope_invalid', null];

test('bodies on their way are bounded together; whoever goes beyond is told to wait', async () => {
    const url = await start();
    const [first, second] = [await beginPost(url, 700), await beginPost(url, 700)];
    expect(await post(url, 200)).toEqual([429, 'link_full', '1']);
    expect(await post(url, 100)).toEqual(tooShort);
    first.sending.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await post(url, 800)).toEqual(tooShort);
    second.sending.end();
    expect(await second.status).toBe(400);
    for (let times = 0; times < 5; times++) expect(await post(url, 1_000)).toEqual(tooShort);
});

test('one without a length is bounded by what comes of it', async () => {
    const { status } = await beginPost(await start(), 1_001);
    expect(await status).toBe(413);
});
