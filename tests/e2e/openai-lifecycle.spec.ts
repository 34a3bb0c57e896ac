import { setTimeout as sleep } from 'node:timers/promises';
import { APIConnectionError, APIError, APIUserAbortError } from 'openai';
import type { Behaviour } from '../keepers/node/engine/openai-server';
import { says } from './scripted-answers';
import { idempotencyGraceMs, ScriptedUpstreamNetwork, scriptedModel as model } from './scripted-upstream';

/** Disconnects, deadlines, retries: what happens to a request whose caller, engine or gateway does not stay. */
const net = new ScriptedUpstreamNetwork();
const messages = [{ role: 'user' as const, content: 'Is it raining?' }];
const under = (key: string) => ({ headers: { 'Idempotency-Key': key } });
const ask = (options: object = {}, client = net.client()) =>
    client.chat.completions.create({ model, messages }, options).withResponse();

async function refusal(act: Promise<unknown>): Promise<APIError> {
    const error: unknown = await act.then(
        () => undefined,
        (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(APIError);
    return error as APIError;
}

/** Writes a piece now and then until the other side has gone. */
const endless: Behaviour = async (response, { closed }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const delta = { choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }] };
    let open = true;
    void closed.then(() => (open = false));
    for (; open; await sleep(20)) response.write(`data: ${JSON.stringify(delta)}\n\n`);
};

/** Breaks off after its first words. */
const breaking: Behaviour = async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"choices":[{"index":0,"delta":{"content":"It"}}]}\n\n');
    await sleep(60);
    response.destroy();
};

/** Answers once the test says so. */
function held(behaviour: Behaviour) {
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const hold: Behaviour = (response, request) => released.then(() => behaviour(response, request));
    return { hold, release };
}

async function seenAfter(count: number): Promise<void> {
    while (net.upstream.seen.length <= count) await sleep(5);
}

async function engineStopMs(): Promise<number> {
    const startMs = Date.now();
    await net.upstream.seen.at(-1)!.closed;
    return Date.now() - startMs;
}

/** Until the node's final receipt of the last request is in the gateway's book, or the request is lost for now. */
async function lastClosed() {
    for (;;) {
        const [last] = net.ledger.list({ limit: 1 });
        if (last!.state !== 'sent' && last!.state !== 'reserved') return last!;
        await sleep(5);
    }
}

describe('a caller that goes away', () => {
    const stream = { model, messages, stream: true as const };

    test.each([
        ['a chat', async () => net.client().chat.completions.create(stream)],
        ['a response', async () => net.client().responses.create({ model, input: 'hi', stream: true })],
    ])('in the middle of %s’s stream stops the engine within a second', async (_what, begin) => {
        net.upstream.behave(endless);
        const events = await begin();
        for await (const event of events as AsyncIterable<{ type?: string }>) {
            if (event.type === undefined || event.type === 'response.output_text.delta') break;
        }
        expect(await engineStopMs()).toBeLessThan(1_000);
        await lastClosed();
    });

    test('before a whole answer stops the engine within a second', async () => {
        const { hold } = held(says('never'));
        net.upstream.behave(hold);
        const count = net.upstream.seen.length;
        const gone = new AbortController();
        const asked = ask({ signal: gone.signal });
        const outcome = expect(asked).rejects.toBeInstanceOf(APIUserAbortError);
        await seenAfter(count);
        gone.abort();
        await outcome;
        expect(await engineStopMs()).toBeLessThan(1_000);
        await lastClosed();
    });
});

describe('deadlines and retries', () => {
    test('X-Cocoon-Timeout ends a request whose engine is silent, with a 504 and no hang', async () => {
        net.upstream.behave(held(says('never')).hold);
        const startMs = Date.now();
        const error = await refusal(ask({ headers: { 'X-Cocoon-Timeout': '1' } }));
        expect([error.status, error.code]).toEqual([504, 'request_timeout']);
        expect(Date.now() - startMs).toBeLessThan(3_000);
        expect(await engineStopMs()).toBeLessThan(1_000);
    });

    test('the client library’s own retry succeeds after an engine that was overloaded', async () => {
        let turns = 0;
        net.upstream.behave((response, request) =>
            turns++ === 0 ? void response.writeHead(503).end() : says('It is.')(response, request),
        );
        const { data } = await ask({}, net.client({ maxRetries: 2 }));
        expect(data.choices[0]!.message.content).toBe('It is.');
        expect(turns).toBe(2);
    });

    test('the client library’s own timeout is a typed error there, and stops the engine here', async () => {
        net.upstream.behave(held(says('never')).hold);
        const count = net.upstream.seen.length;
        const asked = ask({}, net.client({ timeout: 500 }));
        await expect(asked).rejects.toBeInstanceOf(APIConnectionError);
        expect(net.upstream.seen).toHaveLength(count + 1);
        expect(await engineStopMs()).toBeLessThan(1_000);
    });

    test('a stream whose engine breaks off raises in the client, for a chat and for a response', async () => {
        net.upstream.behave(breaking);
        const chat = async () => {
            for await (const chunk of await net.client().chat.completions.create({ model, messages, stream: true }))
                expect(chunk.choices[0]!.delta.content).toBe('It');
        };
        expect((await refusal(chat())).code).toBe('engine_failed');
        const response = async () => net.client().responses.stream({ model, input: 'hi' }).finalResponse();
        expect((await refusal(response())).code).toBe('engine_failed');
    });
});

describe('Idempotency-Key', () => {
    test('a retry joins the answer under way, and a later one reads it again: one run, one payment', async () => {
        const { hold, release } = held(says('It is.'));
        net.upstream.behave(hold);
        const [count, before] = [net.upstream.seen.length, net.ledger.totals().costNano];
        const both = [ask(under('join')), ask(under('join'))];
        await seenAfter(count);
        release();
        const answers = [...(await Promise.all(both)), await ask(under('join'))];
        const receipts = answers.map(({ response }) => response.headers.get('x-cocoon-receipt'));
        expect(new Set(receipts).size).toBe(1);
        expect(answers.map(({ data }) => data)).toEqual([answers[0]!.data, answers[0]!.data, answers[0]!.data]);
        const replayed = answers.map(({ response }) => response.headers.get('x-cocoon-replayed'));
        expect(replayed.filter((value) => value === 'true')).toHaveLength(2);
        expect(net.upstream.seen).toHaveLength(count + 1);
        const cost = BigInt(answers[0]!.response.headers.get('x-cocoon-cost-nanoton')!);
        expect(net.ledger.totals().costNano - before).toBe(cost);
    });

    test('a stream is joined in its middle from its beginning, and outlives the caller that began it', async () => {
        let finish!: () => void;
        const finished = new Promise<void>((resolve) => (finish = resolve));
        net.upstream.behave(async (response) => {
            const event = (delta: object) => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`;
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            response.write(event({ content: 'one ' }));
            await finished;
            const used = { prompt_tokens: 3, completion_tokens: 2 };
            response.end(
                `${event({ content: 'two' })}data: ${JSON.stringify({ choices: [], usage: used })}\n\ndata: [DONE]\n\n`,
            );
        });
        const begin = () => net.client().chat.completions.create({ model, messages, stream: true }, under('stream'));
        const first = await begin();
        for await (const chunk of first) if (chunk.choices[0]?.delta.content) break;
        const second = await begin();
        finish();
        let text = '';
        for await (const chunk of second) text += chunk.choices[0]?.delta.content ?? '';
        expect(text).toBe('one two');
        expect((await lastClosed()).state).toBe('final');
    });

    test('nobody comes back in time: the engine stops, and the key asks no second time', async () => {
        net.upstream.behave(endless);
        const stream = await net.client().chat.completions.create({ model, messages, stream: true }, under('left'));
        const startMs = Date.now();
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
        await net.upstream.seen.at(-1)!.closed;
        expect(Date.now() - startMs).toBeGreaterThanOrEqual(idempotencyGraceMs - 50);
        expect(Date.now() - startMs).toBeLessThan(idempotencyGraceMs + 1_000);
        await lastClosed();
        const count = net.upstream.seen.length;
        const again = net
            .client({ maxRetries: 2 })
            .chat.completions.create({ model, messages, stream: true }, under('left'));
        expect(await refusal(again)).toMatchObject({ status: 410, code: 'idempotency_answer_gone' });
        expect(net.upstream.seen).toHaveLength(count);
    });

    test('the same key with another question is refused; under another API key it is another key', async () => {
        net.upstream.behave(says('It is.'));
        await ask(under('reused'));
        const other = net.client().chat.completions.create({ model, messages, seed: 1 }, under('reused'));
        const error = await refusal(other);
        expect(error).toMatchObject({ status: 422, code: 'idempotency_key_reused', param: 'Idempotency-Key' });
        const stranger = await ask(under('reused'), net.client({ apiKey: 'another' }));
        expect(stranger.response.headers.get('x-cocoon-replayed')).toBeNull();
        expect(await refusal(ask(under('two words')))).toMatchObject({ status: 400, param: 'Idempotency-Key' });
    });

    test('what owes nothing leaves its key free', async () => {
        net.upstream.behave(says('It is.'));
        const wrong = () => net.client().chat.completions.create({ model: 'gpt-4o', messages }, under('free'));
        expect((await refusal(wrong())).status).toBe(404);
        expect((await ask(under('free'))).data.choices[0]!.message.content).toBe('It is.');
    });

    test('an engine that failed for nothing leaves the key free, so the client library’s retry succeeds', async () => {
        let turns = 0;
        net.upstream.behave((response, request) =>
            turns++ === 0 ? void response.writeHead(503).end() : says('It is.')(response, request),
        );
        const { data } = await ask(under('overloaded'), net.client({ maxRetries: 2 }));
        expect(data.choices[0]!.message.content).toBe('It is.');
    });

    test('a stream that broke off is read again as it was, and not asked anew', async () => {
        net.upstream.behave(breaking);
        const count = net.upstream.seen.length;
        const broken = async () => {
            const asked = { model, messages, stream: true as const };
            for await (const chunk of await net.client().chat.completions.create(asked, under('broken')))
                expect(chunk.choices[0]!.delta.content).toBe('It');
        };
        expect((await refusal(broken())).code).toBe('engine_failed');
        expect((await refusal(broken())).code).toBe('engine_failed');
        expect(net.upstream.seen).toHaveLength(count + 1);
    });

    test('after the gateway starts anew a used key is refused: its answer was in memory alone', async () => {
        net.upstream.behave(says('It is.'));
        const { response } = await ask(under('restart'));
        await net.restartGateway();
        const count = net.upstream.seen.length;
        const again = await refusal(ask(under('restart'), net.client({ maxRetries: 2 })));
        expect(again).toMatchObject({ status: 410, code: 'idempotency_answer_gone', param: 'Idempotency-Key' });
        expect(again.message).toContain(response.headers.get('x-cocoon-receipt')!);
        const other = net.client().chat.completions.create({ model, messages, seed: 1 }, under('restart'));
        expect((await refusal(other)).code).toBe('idempotency_key_reused');
        expect(net.upstream.seen).toHaveLength(count);
        expect((await ask(under('after'))).data.choices[0]!.message.content).toBe('It is.');
    });
});
