import fc from 'fast-check';
import { costNano, requestedWork, usageWithin, worstCaseNano, worstCaseTokens } from '../../../keepers/confidential';
import { expectCode, inner } from './exchange';

const price = fc.bigInt(0n, (1n << 64n) - 1n);
const prices = fc.record({ inputNano: price, cachedInputNano: price, outputNano: price, reasoningNano: price });
const count = fc.nat(0xffffffff);
const usage = fc
    .record({ promptTokens: count, cached: fc.nat(1000), completionTokens: count, reasoning: fc.nat(1000) })
    .map(({ promptTokens, cached, completionTokens, reasoning }) => ({
        promptTokens,
        cachedPromptTokens: Math.floor((promptTokens * cached) / 1000),
        completionTokens,
        reasoningTokens: Math.floor((completionTokens * reasoning) / 1000),
    }));
const bound = fc.record({
    paddedBytes: fc.integer({ min: 1024, max: 1 << 24 }),
    prompts: fc.integer({ min: 1, max: 64 }),
    completions: fc.integer({ min: 0, max: 64 }),
    maxTokens: fc.option(fc.nat(100_000), { nil: undefined }),
});
const work = (body: unknown, path = '/v1/chat/completions') =>
    requestedWork({ ...inner, path, body: Buffer.from(JSON.stringify(body)) });

describe('cost', () => {
    it('is the exact rational cost, rounded up once', () => {
        fc.assert(
            fc.property(prices, usage, (of, used) => {
                const exact =
                    of.inputNano * BigInt(used.promptTokens) +
                    (of.cachedInputNano - of.inputNano) * BigInt(used.cachedPromptTokens) +
                    of.outputNano * BigInt(used.completionTokens) +
                    (of.reasoningNano - of.outputNano) * BigInt(used.reasoningTokens);
                const cost = costNano(of, used);
                expect(cost * 1_000_000n >= exact).toBe(true);
                expect(cost * 1_000_000n - exact < 1_000_000n).toBe(true);
                expect(cost < 1n << 96n).toBe(true);
            }),
        );
    });

    it('counts by hand: 40 prompt tokens of which 7 cached, 21 completion tokens of which 3 reasoning', () => {
        const of = { inputNano: 30n, cachedInputNano: 10n, outputNano: 90n, reasoningNano: 95n };
        const used = { promptTokens: 40, cachedPromptTokens: 7, completionTokens: 21, reasoningTokens: 3 };
        // 33 * 30 + 7 * 10 + 18 * 90 + 3 * 95 = 2965 millionths
        expect(costNano(of, used)).toBe(1n);
        const dear = {
            inputNano: 30_000_000n,
            cachedInputNano: 10_000_000n,
            outputNano: 90_000_001n,
            reasoningNano: 0n,
        };
        // 990 + 70 + 1620.000018
        expect(costNano(dear, used)).toBe(2681n);
    });

    it('refuses a usage that makes no sense', async () => {
        const of = { inputNano: 1n, cachedInputNano: 1n, outputNano: 1n, reasoningNano: 1n };
        const good = { promptTokens: 1, cachedPromptTokens: 0, completionTokens: 1, reasoningTokens: 0 };
        const bad = [{ cachedPromptTokens: 2 }, { reasoningTokens: 2 }, { promptTokens: -1 }, { promptTokens: 1.5 }];
        for (const change of bad) await expectCode('input_invalid', () => costNano(of, { ...good, ...change }));
    });

    it('never exceeds the worst case while the usage is within its bounds', () => {
        const share = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000));
        fc.assert(
            fc.property(prices, bound, fc.integer({ min: 1, max: 200_000 }), share, (of, limits, context, shares) => {
                const most = worstCaseTokens(context, limits);
                const part = (whole: number, permille: number) => Math.floor((whole * permille) / 1000);
                const promptTokens = part(Number(most.prompt), shares[0]);
                const completionTokens = part(Number(most.completion), shares[1]);
                const used = {
                    promptTokens,
                    cachedPromptTokens: part(promptTokens, shares[2]),
                    completionTokens,
                    reasoningTokens: part(completionTokens, shares[3]),
                };
                expect(costNano(of, used) <= worstCaseNano({ ...of, contextLength: context }, limits)).toBe(true);
            }),
        );
    });
});

describe('a count beyond what the request allows', () => {
    it('is as much as it allows, makes sense, and costs the worst case at most', () => {
        fc.assert(
            fc.property(prices, bound, fc.integer({ min: 1, max: 200_000 }), usage, (of, limits, context, used) => {
                const within = usageWithin(used, worstCaseTokens(context, limits));
                expect(costNano(of, within) <= worstCaseNano({ ...of, contextLength: context }, limits)).toBe(true);
                expect(within.promptTokens).toBeLessThanOrEqual(used.promptTokens);
                expect(within.completionTokens).toBeLessThanOrEqual(used.completionTokens);
            }),
        );
    });

    it('is left as it is where the request allows it', () => {
        fc.assert(
            fc.property(usage, (used) =>
                expect(usageWithin(used, { prompt: 0xffffffffn, completion: 0xffffffffn })).toEqual(used),
            ),
        );
    });
});

describe('worst case', () => {
    it('is the same for all texts that pad to the same length', () => {
        const chat = (text: string) =>
            work({ model: 'toy', messages: [{ role: 'user', content: text }], max_tokens: 5 });
        expect(chat('a')).toEqual(chat('a'.repeat(500)));
        expect(chat('a').paddedBytes).toBe(1024);
        expect(chat('a'.repeat(2000)).paddedBytes).toBeGreaterThan(2000);
    });

    it('takes the context length where no limit is named or a larger one is', () => {
        const limits = { paddedBytes: 1024, prompts: 1, completions: 2 };
        expect(worstCaseTokens(100, { ...limits, maxTokens: undefined })).toEqual({ prompt: 100n, completion: 200n });
        expect(worstCaseTokens(100, { ...limits, maxTokens: 101 })).toEqual({ prompt: 100n, completion: 200n });
        expect(worstCaseTokens(10_000, { ...limits, maxTokens: 7 })).toEqual({ prompt: 2048n, completion: 14n });
    });
});

describe('requested work', () => {
    it('reads what a chat asks for', () => {
        expect(work({ model: 'toy', n: 3, max_tokens: 5, max_completion_tokens: 9 })).toEqual({
            model: 'toy',
            capability: 'chat.completions',
            paddedBytes: 1024,
            prompts: 1,
            completions: 3,
            maxTokens: 9,
        });
    });

    it('counts every prompt of a list, and a list of tokens as one', () => {
        const completions = (body: object) => work({ model: 'toy', ...body }, '/v1/completions');
        expect(completions({ prompt: ['a', 'b'], best_of: 4, n: 2 })).toMatchObject({ prompts: 2, completions: 8 });
        expect(completions({ prompt: [1, 2, 3] })).toMatchObject({ prompts: 1, completions: 1 });
        expect(completions({ prompt: [[1], [2]] })).toMatchObject({ prompts: 2, completions: 2 });
        const embeddings = work({ model: 'toy', input: ['a', 'b', 'c'] }, '/v1/embeddings');
        expect(embeddings).toMatchObject({ capability: 'embeddings', prompts: 3, completions: 0 });
    });

    it.each([
        ['no model', {}],
        ['an empty model', { model: '' }],
        ['a negative limit', { model: 'toy', max_tokens: -1 }],
        ['a fraction', { model: 'toy', n: 1.5 }],
        ['a text for a number', { model: 'toy', max_tokens: '5' }],
        ['no completion', { model: 'toy', n: 0 }],
        ['more completions than anyone needs', { model: 'toy', n: 5000 }],
        ['a list for a body', ['toy']],
        ['null', null],
    ])('refuses %s', async (_what, body) => {
        await expectCode('request_invalid', () => work(body));
    });

    it('takes a field that decides the price under its own spelling alone, as engines in Go do not', async () => {
        for (const name of ['MAX_TOKENS', 'Max_Tokens', 'max_to\u212aens', 'max_token\u017f', 'Model', 'N', 'STREAM'])
            await expectCode('request_invalid', () => work({ model: 'toy', max_tokens: 1, [name]: 100_000 }));
        expect(work({ model: 'toy', Temperature: 1, MAX: 2 })).toMatchObject({ model: 'toy' });
    });

    it('refuses what is not JSON, or not a path of the API', async () => {
        await expectCode('request_invalid', () => requestedWork({ ...inner, body: Buffer.from('{"model"') }));
        for (const path of ['/', '/v2/chat', '/v1/', '/v1/../admin', '/v1/a//b']) {
            await expectCode('request_invalid', () => work({ model: 'toy' }, path));
        }
    });
});
