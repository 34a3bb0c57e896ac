import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addKey, listKeys, revokeKey } from '../../../keepers/cli/keys-command';
import { parseKeyFile } from '../../../keepers/gateway/api-key-file';
import { GatewayLedger } from '../../../keepers/ledger';
import { usageCostNano } from '../dispatch/sealed-request';
import { requestId, reservation } from '../ledger/ledger-records';
import { temporaryFolder } from '../ledger/temporary-folder';
import { startServer } from './gateway-fixture';
import { answering } from './scripted-dispatcher';

const folder = temporaryFolder();
const body = JSON.stringify({ model: 'toy', messages: [{ role: 'user', content: 'hi' }], max_tokens: 10 });

interface Limits {
    budgetNano?: object;
    models?: string[];
    requestsPerMinute?: number;
    maxConcurrent?: number;
    maxPriceNano?: string;
}

const fileOf = (limits: Limits, key = 'sk-ci') => JSON.stringify({ keys: [{ name: 'ci', key, ...limits }] });

async function served(limits: Limits) {
    const gateway = await startServer(folder, { apiKeys: fileOf(limits) });
    gateway.dispatcher.handlers.set(gateway.nodes[0]!.id, answering(gateway.nodes[0]!));
    const ask = async (key = 'sk-ci') => {
        const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
        const answer = await fetch(`${gateway.url}/v1/chat/completions`, { method: 'POST', body, headers });
        const { error } = (await answer.json()) as { error?: { code: string; type: string; message: string } };
        return { status: answer.status, headers: answer.headers, error };
    };
    return { ...gateway, ask };
}

test('a key spends from its own budget, which every answer tells; receipts name it', async () => {
    const { ask, ledger, clock } = await served({ budgetNano: { day: '1000000', total: '5000000' } });
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-cocoon-budget-remaining-nanoton')).toBe((1_000_000n - usageCostNano).toString());
    expect(ledger.keySpend('ci', clock.nowMs())).toEqual({
        spentNano: { day: usageCostNano, month: usageCostNano, total: usageCostNano },
        openNano: 0n,
    });
    expect(ledger.list({ limit: 1 })[0]!.keyName).toBe('ci');
});

test('a budget that does not cover the worst case: 402, which period, when there is more; nothing is sent', async () => {
    const { ask, dispatcher, ledger } = await served({ budgetNano: { day: '2000' } });
    const { status, error, headers } = await ask();
    expect([status, error]).toEqual([
        402,
        expect.objectContaining({ code: 'budget_exhausted', type: 'insufficient_quota' }),
    ]);
    expect(error!.message).toMatch(/day budget of the key 'ci'.*more from .*T00:00:00/);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(dispatcher.asked).toEqual([]);
    expect(ledger.totals().openNano).toBe(0n);
});

test('a key asks only its models, below its price', async () => {
    const narrow = await served({ models: ['other'] });
    expect(await narrow.ask()).toMatchObject({ status: 403, error: { code: 'model_not_allowed' } });
    const thrifty = await served({ maxPriceNano: '1' });
    expect((await thrifty.ask()).error!.code).toBe('price_too_high');
});

test('a rate is held, told as OpenAI tells it, and over after a minute', async () => {
    const { ask, clock } = await served({ requestsPerMinute: 2 });
    expect((await ask()).headers.get('x-ratelimit-remaining-requests')).toBe('1');
    expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 429, error: { code: 'rate_limit_exceeded', type: 'rate_limit_error' } });
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(refused.headers.get('x-ratelimit-limit-requests')).toBe('2');
    clock.advance(60_000);
    expect((await ask()).status).toBe(200);
});

test('a rate is over after a minute, also when the clock was set back by that minute', async () => {
    const { ask, clock } = await served({ requestsPerMinute: 1 });
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(429);
    clock.setBy(-60_000);
    clock.advance(60_000);
    expect((await ask()).status).toBe(200);
});

test('a key has no more requests open than it may, and a place is free once one ends', async () => {
    const { ask, dispatcher, nodes } = await served({ maxConcurrent: 1 });
    const [node] = nodes;
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const arrived = new Promise<void>((resolve) => {
        dispatcher.handlers.set(node!.id, async (...asked) => {
            resolve();
            await held;
            await answering(node!)(...asked);
        });
    });
    const first = ask();
    await arrived;
    expect(await ask()).toMatchObject({ status: 429, error: { code: 'too_many_concurrent_requests' } });
    release();
    expect((await first).status).toBe(200);
    dispatcher.handlers.set(node!.id, answering(node!));
    expect((await ask()).error?.code).not.toBe('too_many_concurrent_requests');
});

test('the file is read again when it changes; one that does not hold together leaves the keys as they were', async () => {
    const { ask, keysFile, clock } = await served({});
    const rewrite = (text: string, stamp: number) => {
        writeFileSync(keysFile, text, { mode: 0o600 });
        utimesSync(keysFile, stamp, stamp);
        clock.advance(2_000);
    };
    rewrite(fileOf({}, 'sk-new'), 1_000);
    expect([(await ask('sk-new')).status, (await ask()).status]).toEqual([200, 401]);
    rewrite('{"keys": [', 2_000);
    expect((await ask('sk-new')).status).not.toBe(401);
});

test('what a key spent survives a restart, and what is open counts at its worst', async () => {
    const file = path.join(folder, 'restart.sqlite');
    const key = { name: 'ci', budgetNano: { total: 100n } };
    const before = new GatewayLedger({ file });
    await before.reserve(reservation('one', 60n, { key }));
    before.close();
    const after = new GatewayLedger({ file });
    await expect(after.reserve(reservation('two', 50n, { key }))).rejects.toMatchObject({ code: 'budget_exhausted' });
    await after.fail(requestId('one'), 'not_sent', 2);
    await after.reserve(reservation('two', 50n, { key }));
    expect(after.keySpend('ci', 2).openNano).toBe(50n);
    after.close();
});

test('a key is made, shown once, listed without itself and revoked', () => {
    const file = path.join(folder, 'keys.json');
    const key = addKey({ file, name: 'one', budgetDay: '5', rate: '3', model: ['toy'] });
    addKey({ file, name: 'two' });
    expect(readFileSync(file, 'utf8')).not.toContain(key);
    expect(listKeys(file)).toMatch(/"name":"one".*"requestsPerMinute":3/);
    expect(() => addKey({ file, name: 'one' })).toThrow('names two keys alike');
    revokeKey(file, 'one');
    expect(listKeys(file)).not.toContain('"one"');
    expect(() => revokeKey(file, 'one')).toThrow("has no key 'one'");
    expect(() => revokeKey(file, 'two')).toThrow('the only key');
});

test.each([
    ['no JSON', '{"keys": [sk-secret', 'is not valid JSON'],
    ['an unknown field', '{"keys":[{"name":"a","key":"sk-secret","limit":1}]}', 'Unrecognized key'],
    ['both forms of a key', `{"keys":[{"name":"a","key":"sk-secret","sha256":"${'0'.repeat(64)}"}]}`, 'one of them'],
    ['an amount that is none', '{"keys":[{"name":"a","key":"sk-secret","budgetNano":{"day":"-1"}}]}', 'budgetNano.day'],
    ['no key at all', '{"keys":[]}', 'holds no API key'],
])('a file with %s is refused without repeating a key', (_what, text, problem) => {
    expect(() => parseKeyFile(text, 'keys')).toThrow(problem);
    expect(() => parseKeyFile(text, 'keys')).not.toThrow('sk-secret');
});
