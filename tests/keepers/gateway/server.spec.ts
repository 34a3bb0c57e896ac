import { request as rawRequest } from 'node:http';
import { temporaryFolder } from '../ledger/temporary-folder';
import { usageCostNano } from '../dispatch/sealed-request';
import { question, startServer } from './gateway-fixture';
import { answering, finalFrame, refusing, sealerFor } from './scripted-dispatcher';

const folder = temporaryFolder();
const chat = '/v1/chat/completions';
const valid = question().body.toString();

async function served(...args: Parameters<typeof startServer> extends [string, ...infer Rest] ? Rest : never) {
    const gateway = await startServer(folder, ...args);
    const [node] = gateway.nodes;
    if (node) gateway.dispatcher.handlers.set(node.id, answering(node));
    return { ...gateway, node: node! };
}

function post(url: string, body: string, headers: Record<string, string> = {}) {
    return fetch(`${url}${chat}`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
    });
}

interface ErrorBody {
    error: { message: string; type: string; param: string | null; code: string };
}

/** Status and code of an error that has OpenAI's shape; nothing else passes. */
async function errorOf(answer: Response): Promise<[number, string]> {
    const { error, ...rest } = (await answer.json()) as ErrorBody;
    expect(rest).toEqual({});
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
    expect(answer.headers.get('content-type')).toContain('application/json');
    return [answer.status, error.code];
}

test('an answer comes with its node, its cost and where its receipt is', async () => {
    const { url, node } = await served();
    const answer = await post(url, valid);
    expect([answer.status, await answer.text()]).toEqual([200, '{"ok":true}']);
    expect(answer.headers.get('x-cocoon-node')).toBe(node.id);
    expect(answer.headers.get('x-cocoon-cost-nanoton')).toBe(usageCostNano.toString());
    const receipt = await (await fetch(`${url}/cocoon/receipts/${answer.headers.get('x-cocoon-receipt')}`)).json();
    expect(receipt).toMatchObject({ state: 'final', receipt: { costNano: usageCostNano.toString() } });
});

test('a stream goes out as it comes', async () => {
    const { url, node, dispatcher } = await served();
    let proceed!: () => void;
    const halfway = new Promise<void>((resolve) => (proceed = resolve));
    dispatcher.handlers.set(node.id, async (envelope, response) => {
        const sealer = await sealerFor(node, envelope);
        response.write(sealer.start());
        response.write(sealer.head({ status: 200, headers: { 'content-type': 'text/event-stream' } }));
        response.write(sealer.body(Buffer.from('data: 1\n\n')));
        await halfway;
        response.write(sealer.body(Buffer.from('data: [DONE]\n\n')));
        response.end(finalFrame(node, sealer).wire);
    });
    const answer = await post(url, question({ stream: true }).body.toString());
    const reader = answer.body!.getReader();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('data: 1\n\n');
    proceed();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('data: [DONE]\n\n');
    expect((await reader.read()).done).toBe(true);
});

test('a stream that breaks off says so as an event, and no end is faked', async () => {
    const { url, node, dispatcher } = await served();
    dispatcher.handlers.set(node.id, async (envelope, response) => {
        const sealer = await sealerFor(node, envelope);
        response.write(sealer.start());
        response.write(sealer.head({ status: 200, headers: { 'content-type': 'text/event-stream' } }));
        response.write(sealer.body(Buffer.from('data: 1\n\n')));
        setTimeout(() => response.destroy(), 20);
    });
    const text = await (await post(url, question({ stream: true }).body.toString())).text();
    expect(text).toContain('"code":"answer_truncated"');
    expect(text).not.toContain('[DONE]');
});

describe('errors have OpenAI’s shape', () => {
    test.each([
        ['malformed JSON', '{"model":', 400, 'invalid_json'],
        ['no body', '', 400, 'invalid_json'],
        ['a field at fault', '{"model":7}', 400, 'invalid_request'],
        ['a model that nobody serves', '{"model":"gpt"}', 404, 'model_not_found'],
        ['a body beyond the bound', `{"model":"${'x'.repeat(200_000)}"}`, 413, 'request_too_large'],
    ])('%s', async (_what, body, status, code) => {
        const { url } = await served();
        expect(await errorOf(await post(url, body))).toEqual([status, code]);
    });

    test.each([
        ['GET', chat, 405, 'method_not_allowed'],
        ['POST', '/v1/models', 405, 'method_not_allowed'],
        ['GET', '/v1/nothing', 404, 'not_found'],
        ['GET', '/%ff', 400, 'invalid_request'],
        ['GET', '/v1/models/gpt', 404, 'model_not_found'],
        ['GET', '/cocoon/receipts/zz', 404, 'not_found'],
        ['GET', '/cocoon/attestation/zz', 404, 'not_found'],
    ])('%s %s', async (method, path, status, code) => {
        const { url } = await served();
        expect(await errorOf(await fetch(`${url}${path}`, { method }))).toEqual([status, code]);
    });

    test.each([
        ['x-cocoon-timeout', '1.5'],
        ['x-cocoon-timeout', '0'],
        ['x-cocoon-max-price', '-1'],
    ])('a header %s: %s that is none', async (name, value) => {
        const { url } = await served();
        expect(await errorOf(await post(url, valid, { [name]: value }))).toEqual([400, 'invalid_request']);
    });

    test('a header that no sealed request can carry', async () => {
        const { url } = await served();
        const status = await new Promise<number>((resolve) => {
            const headers = { 'content-type': 'application/json', accept: 'caf\u00e9' };
            const sent = rawRequest(`${url}${chat}`, { method: 'POST', headers }, (answer) => {
                answer.resume();
                resolve(answer.statusCode!);
            });
            sent.end(valid);
        });
        expect(status).toBe(400);
    });

    test('a busy network, with when to come back', async () => {
        const { url, node, dispatcher } = await served();
        dispatcher.handlers.set(node.id, refusing(429, 'node_busy', { retryAfterMs: 2_500 }));
        const answer = await post(url, valid);
        expect(answer.headers.get('retry-after')).toBe('3');
        expect(await errorOf(answer)).toEqual([429, 'capacity_exhausted']);
    });

    test('a body without a content type is read all the same', async () => {
        const { url } = await served();
        const answer = await fetch(`${url}${chat}`, { method: 'POST', body: new TextEncoder().encode(valid) });
        expect(answer.status).toBe(200);
    });
});

describe('API keys', () => {
    const apiKeys = ['sk-one', 'sk-two'];
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

    test('one of the gateway’s opens every route', async () => {
        const { url } = await served({ apiKeys });
        for (const key of apiKeys) expect((await post(url, valid, bearer(key))).status).toBe(200);
        expect((await fetch(`${url}/v1/models`, { headers: bearer('sk-one') })).status).toBe(200);
    });

    test('without one nothing is served, known or unknown', async () => {
        const { url, dispatcher } = await served({ apiKeys });
        for (const headers of [{}, bearer('sk-on'), bearer('sk-one2'), { authorization: 'sk-one' }])
            expect(await errorOf(await post(url, valid, headers as Record<string, string>))).toEqual([
                401,
                'invalid_api_key',
            ]);
        for (const path of ['/v1/models', '/cocoon/receipts', '/v1/nothing', '/healthz?key'])
            expect((await fetch(`${url}${path}`)).status).toBe(401);
        expect(dispatcher.asked).toEqual([]);
    });

    test('but monitors need none', async () => {
        const { url } = await served({ apiKeys });
        expect((await fetch(`${url}/healthz`)).status).toBe(200);
        expect((await fetch(`${url}/readyz`)).status).toBe(200);
    });
});

test('models show price, capabilities and what is free, in OpenAI’s list', async () => {
    const { url } = await served();
    const list = (await (await fetch(`${url}/v1/models`)).json()) as { object: string; data: { id: string }[] };
    expect(list.object).toBe('list');
    expect(list.data.find(({ id }) => id === 'toy')).toMatchObject({ object: 'model', free_slots: 4, nodes: 1 });
    const one = (await (await fetch(`${url}/v1/models/toy`)).json()) as { id: string };
    expect(one.id).toBe('toy');
});

test('a caller who hangs up cancels the request', async () => {
    const { url, node, dispatcher, ledger } = await served();
    const gone = new Promise<void>((resolve) =>
        dispatcher.handlers.set(node.id, (_envelope, response) => void response.once('close', resolve)),
    );
    const leaving = new AbortController();
    const body = new TextEncoder().encode(valid);
    const asked = fetch(`${url}${chat}`, { method: 'POST', body, signal: leaving.signal }).catch(() => undefined);
    while (dispatcher.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    leaving.abort();
    await asked;
    await gone;
    while (ledger.totals().requests.lost === 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a slow reader of a long stream leaves no listeners behind', async () => {
    const { url, node, dispatcher } = await served();
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on('warning', onWarning);
    dispatcher.handlers.set(node.id, async (envelope, response) => {
        const sealer = await sealerFor(node, envelope);
        response.write(sealer.start());
        response.write(sealer.head({ status: 200, headers: {} }));
        for (let sent = 0; sent < 60; sent++) response.write(sealer.body(Buffer.alloc(200_000, 'x')));
        response.end(finalFrame(node, sealer).wire);
    });
    const answer = await post(url, question({ stream: true }).body.toString());
    let bytes = 0;
    for await (const chunk of answer.body!) {
        bytes += (chunk as Uint8Array).length;
        await new Promise((resolve) => setTimeout(resolve, 1));
    }
    process.off('warning', onWarning);
    expect(bytes).toBe(12_000_000);
    expect(warnings).not.toContain('MaxListenersExceededWarning');
});
