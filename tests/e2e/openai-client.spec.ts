import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { toNano } from '@ton/core';
import OpenAI, { APIError } from 'openai';
import { type Collateral, verifyTdxQuote } from '../../keepers/attestation';
import { expectCostFollows, expectReceiptHolds, type Pricing, type ReceiptAnswer } from './receipt';
import { eventually, RunningNetwork } from './running-network';

/** Little enough that one request may ask for more than there is. */
const running = new RunningNetwork({ depositNano: toNano('0.02') });
const model = 'cocoon-toy';
const question = { model, max_tokens: 24, messages: [{ role: 'user' as const, content: 'In the beginning' }] };
/** Takes the model seconds. */
const longQuestion = { ...question, max_tokens: 1_900, n: 4, stream: true as const };

const receiptOf = (id: string) => running.getJson<ReceiptAnswer>(`/cocoon/receipts/${id}`);

async function pricing(): Promise<Pricing> {
    const found = (await running.client().models.retrieve(model)) as unknown as { pricing: Pricing };
    return found.pricing;
}

async function expectError(act: Promise<unknown>, status: number, code: string): Promise<APIError> {
    const error: unknown = await act.then(
        () => undefined,
        (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(APIError);
    const answered = error as APIError;
    expect({ status: answered.status, code: answered.code }).toEqual({ status, code });
    expect(answered.type).toMatch(/^[a-z_]+$/);
    expect(answered.message.length).toBeGreaterThan(10);
    return answered;
}

/** Raw bytes, for what no client library would send. */
async function raw(method: string, path: string, body?: string | Buffer): Promise<{ status: number; body: string }> {
    const request = httpRequest(running.url + path, { method, headers: { 'content-type': 'application/json' } });
    request.on('error', () => undefined);
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode!, body: Buffer.concat(chunks).toString('utf8') };
}

running.test('lists and retrieves the model', async () => {
    const models = await running.client().models.list();
    expect(models.data.map(({ id, object }) => ({ id, object }))).toEqual([{ id: model, object: 'model' }]);
    expect((await running.client().models.retrieve(model)).id).toBe(model);
});

running.test('answers a chat, and its receipt can be checked by anyone', async () => {
    const { data, response } = await running.client().chat.completions.create(question).withResponse();
    expect(data.choices[0]!.message.content).toMatch(/\S/);
    expect(data.usage!.completion_tokens).toBeGreaterThan(0);
    expect(data.usage!.total_tokens).toBe(data.usage!.prompt_tokens + data.usage!.completion_tokens);
    const kept = await receiptOf(response.headers.get('x-cocoon-receipt')!);
    expect(kept.state).toBe('final');
    expect(kept.nodeKey).toBe(response.headers.get('x-cocoon-node'));
    expect(kept.receipt!.costNano).toBe(response.headers.get('x-cocoon-cost-nanoton'));
    expect(kept.receipt!.usage!.promptTokens).toBe(data.usage!.prompt_tokens);
    expect(kept.receipt!.usage!.completionTokens).toBe(data.usage!.completion_tokens);
    expectReceiptHolds(kept);
    expectCostFollows(kept.receipt!, await pricing());
});

running.test('streams the same text as it answers whole, with usage, then [DONE]', async () => {
    const fixed = { ...question, temperature: 0, seed: 3 };
    const whole = await running.client().chat.completions.create(fixed);
    const { data: stream, response } = await running
        .client()
        .chat.completions.create({ ...fixed, stream: true, stream_options: { include_usage: true } })
        .withResponse();
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
        whole.choices[0]!.message.content,
    );
    const last = chunks.at(-1)!;
    expect(last.choices).toEqual([]);
    expect(last.usage).toEqual(whole.usage);
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe(whole.choices[0]!.finish_reason);
    expectReceiptHolds(await receiptOf(response.headers.get('x-cocoon-receipt')!));
    const plain = await raw('POST', '/v1/chat/completions', JSON.stringify({ ...fixed, stream: true }));
    expect(plain.status).toBe(200);
    const events = plain.body.split('\n\n').filter((event) => event !== '');
    expect(events.every((event) => event.startsWith('data: '))).toBe(true);
    expect(events.at(-1)).toBe('data: [DONE]');
});

running.test('completes a prompt, whole and streaming', async () => {
    const body = { model, prompt: 'And the king said', max_tokens: 12, temperature: 0 };
    const whole = await running.client().completions.create(body);
    expect(whole.choices[0]!.text).toMatch(/\S/);
    let text = '';
    for await (const chunk of await running.client().completions.create({ ...body, stream: true }))
        text += chunk.choices[0]?.text ?? '';
    expect(text).toBe(whole.choices[0]!.text);
});

running.test(
    'serves clients at once; every receipt holds and what a node may charge is the sum of its costs',
    async () => {
        const asked = await Promise.all(
            [1, 2, 3, 4, 5, 6].map((seed) =>
                running
                    .client({ maxRetries: 3 })
                    .chat.completions.create({ ...question, seed })
                    .withResponse(),
            ),
        );
        const ids = asked.map(({ response }) => response.headers.get('x-cocoon-receipt')!);
        expect(new Set(ids).size).toBe(6);
        for (const id of ids) expectReceiptHolds(await receiptOf(id));
        const { receipts } = await running.getJson<{ receipts: ReceiptAnswer[] }>('/cocoon/receipts');
        for (const nodeKey of new Set(receipts.map((receipt) => receipt.nodeKey))) {
            const finals = receipts
                .filter((one) => one.nodeKey === nodeKey && one.receipt)
                .map(({ receipt }) => receipt!);
            const costNano = finals.reduce((sum, final) => sum + BigInt(final.costNano), 0n);
            const highest = finals.reduce((best, final) => (final.sequence > best.sequence ? final : best));
            expect(BigInt(highest.cumulativeNano)).toBe(costNano);
        }
    },
);

running.test('a client that goes away pays for what was made until then, and the engine stops', async () => {
    const { data: stream, response } = await running.client().chat.completions.create(longQuestion).withResponse();
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    stream.controller.abort();
    const id = response.headers.get('x-cocoon-receipt')!;
    const kept = await eventually('the receipt of the aborted answer', async () => {
        const answer = await receiptOf(id);
        return answer.state === 'final' ? answer : undefined;
    });
    expectReceiptHolds(kept);
    const wholeNano = BigInt(longQuestion.max_tokens) * 4n * (BigInt((await pricing()).output) / 1_000_000n);
    expect(BigInt(kept.receipt!.costNano)).toBeGreaterThan(0n);
    expect(BigInt(kept.receipt!.costNano)).toBeLessThan(wholeNano / 2n);
    const status = await running.getJson<{ reservedNano: string }>('/cocoon/status');
    expect(status.reservedNano).toBe('0');
});

running.test('says what is wrong with a request, with the status that clients expect', async () => {
    const { chat, models } = running.client();
    const ask = (changes: object) => chat.completions.create({ ...question, ...changes });
    await expectError(ask({ model: 'gpt-4o' }), 404, 'model_not_found');
    await expectError(models.retrieve('gpt-4o'), 404, 'model_not_found');
    const broke = await expectError(ask({ max_tokens: 2_000, n: 64 }), 402, 'escrow_insufficient');
    expect(broke.param).toBe('max_tokens');
    await expectError(ask({ max_tokens: 5_000 }), 400, 'context_length_exceeded');
    await expectError(ask({ max_tokens: 5_000, stream: true }), 400, 'context_length_exceeded');
    const tools = [{ type: 'function', function: { name: 'look_up', parameters: {} } }];
    const unsupported = await expectError(ask({ tools }), 400, 'unsupported_parameter');
    expect(unsupported.param).toBe('tools');
    await expectError(ask({ max_tokens: 0 }), 400, 'invalid_request');
    await expectError(ask({ messages: [] }), 400, 'invalid_request');
    await expectError(running.client().embeddings.create({ model, input: 'x' }), 404, 'model_not_found');
    const status = await running.getJson<{ reservedNano: string }>('/cocoon/status');
    expect(status.reservedNano).toBe('0');
});

running.test('answers what no client library sends in the same shape', async () => {
    const chat = '/v1/chat/completions';
    const cases: [method: string, path: string, body: string | Buffer | undefined, status: number, code: string][] = [
        ['POST', chat, '{"model":"cocoon-toy","messages":', 400, 'invalid_json'],
        ['POST', chat, undefined, 400, 'invalid_json'],
        ['POST', chat, '[]', 400, 'invalid_request'],
        ['POST', chat, '{"model":7}', 400, 'invalid_request'],
        ['POST', chat, Buffer.alloc(20_000_000, ' '), 413, 'request_too_large'],
        ['POST', '/v1/chat/nothing', '{}', 404, 'not_found'],
        ['GET', '/', undefined, 404, 'not_found'],
        ['GET', '/%zz', undefined, 400, 'invalid_request'],
        ['GET', chat, undefined, 405, 'method_not_allowed'],
        ['PUT', '/v1/models', '{}', 405, 'method_not_allowed'],
    ];
    for (const [method, path, body, status, code] of cases) {
        const answer = await raw(method, path, body);
        const shape = { message: expect.any(String) as string, type: 'invalid_request_error', code };
        expect({ path, ...answer, body: JSON.parse(answer.body) as unknown }).toMatchObject({
            path,
            status,
            body: { error: shape },
        });
    }
    await expectError(
        running.client().chat.completions.create({
            model,
            messages: [{ role: 'user', content: 'x'.repeat(20_000_000) }],
        }),
        413,
        'request_too_large',
    );
});

running.test('shows the evidence of every node so that anyone can judge it again', async () => {
    const { nodes } = await running.getJson<{ nodes: { nodeKey: string; trusted: boolean }[] }>('/cocoon/nodes');
    expect(nodes.filter(({ trusted }) => trusted)).toHaveLength(2);
    for (const { nodeKey } of nodes) {
        const evidence = await running.getJson<{ quote: string; collateral: Collateral; verdict: { imageId: string } }>(
            `/cocoon/attestation/${nodeKey}`,
        );
        const quote = Buffer.from(evidence.quote, 'base64');
        const at = new Date();
        const policy = { images: [{ imageId: evidence.verdict.imageId }] };
        const rootPublicKey = Buffer.concat([Buffer.from([4]), running.network.deployment.rootPublicKey]);
        const judge = (bytes: Buffer) => verifyTdxQuote(bytes, evidence.collateral, { at, rootPublicKey, policy });
        expect(judge(quote)).toMatchObject({ verdict: 'accepted', imageId: evidence.verdict.imageId });
        const flipped = Buffer.from(quote);
        flipped[200]! ^= 1;
        expect(judge(flipped)).toMatchObject({ verdict: 'rejected', failedCheck: expect.any(String) as string });
        // Under Intel's own root, which is the default, a development network's hardware is none.
        expect(verifyTdxQuote(quote, evidence.collateral, { at, policy }).verdict).toBe('rejected');
    }
    await expect(running.getJson(`/cocoon/attestation/${'00'.repeat(32)}`)).rejects.toThrow(/404/);
});
