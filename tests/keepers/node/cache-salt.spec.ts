import { CacheSalts } from '../../../keepers/node/cache-salt';

const client = (escrow: number, session = 1) => ({
    context: { escrow: Buffer.alloc(32, escrow) } as Parameters<CacheSalts['saltOf']>[0]['context'],
    sessionKey: Buffer.alloc(32, session),
});
const user = (content: unknown) => ({ role: 'user', content });
const salts = new CacheSalts();
const saltOf = (of: ReturnType<typeof client>, body: unknown, by = salts) =>
    by.saltOf(of, Buffer.from(JSON.stringify(body)));

const first = { model: 'm', messages: [{ role: 'system', content: 'Be brief.' }, user('Who art thou?')] };
const later = { ...first, messages: [...first.messages, { role: 'assistant', content: 'A toy.' }, user('And then?')] };

test('a conversation keeps its salt as it goes on, long enough to be no guess', () => {
    expect(saltOf(client(1), later)).toBe(saltOf(client(1), first));
    expect(saltOf(client(1), first)).toMatch(/^[\w-]{43}$/);
});

test('another escrow, session, process, model or conversation has another', () => {
    const others = [
        saltOf(client(2), first),
        saltOf(client(1, 2), first),
        saltOf(client(1), first, new CacheSalts()),
        saltOf(client(1), { ...first, model: 'n' }),
        saltOf(client(1), { ...first, messages: [user('Who art thou?')] }),
        saltOf(client(1), { ...first, user: 'bob' }),
        saltOf(client(1), { ...first, safety_identifier: 'bob' }),
        saltOf(client(1), first),
    ];
    expect(new Set(others).size).toBe(others.length);
});

test('a client names a conversation by prompt_cache_key, within what is its own', () => {
    const named = { model: 'm', prompt: 'In the', prompt_cache_key: 'k' };
    expect(saltOf(client(1), { ...named, prompt: 'beginning' })).toBe(saltOf(client(1), named));
    expect(saltOf(client(2), named)).not.toBe(saltOf(client(1), named));
    expect(saltOf(client(1), { ...named, user: 'bob' })).not.toBe(saltOf(client(1), named));
});

test.each([
    { model: 'm', prompt: 'In the beginning' },
    { model: 'm', messages: [{ role: 'system', content: 'no user' }] },
    { model: 'm', messages: 'none', prompt_cache_key: null },
    { model: 'm', input: 'embedded' },
])('what belongs to no conversation shares with nothing: %j', (body) => {
    expect(saltOf(client(1), body)).not.toBe(saltOf(client(1), body));
});

test('however deep a body is nested', () => {
    const body = Buffer.from(`{"messages":[{"role":"user","content":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`);
    expect(salts.saltOf(client(1), body)).toMatch(/^[\w-]{43}$/);
});
