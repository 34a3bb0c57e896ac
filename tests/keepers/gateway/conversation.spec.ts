import { conversationKey } from '../../../keepers/gateway/conversation';
import { StickyNodes } from '../../../keepers/gateway/sticky-nodes';

const user = (content: string) => ({ role: 'user', content });
const system = { role: 'system', content: 'be brief' };
const turn = { role: 'assistant', content: 'hello' };

test('the turns of one conversation share a key; other beginnings and other models have another', () => {
    const key = conversationKey({ model: 'toy', messages: [system, user('a')] });
    expect(conversationKey({ model: 'toy', messages: [system, user('a'), turn, user('b')] })).toBe(key);
    expect(conversationKey({ model: 'toy', messages: [system, user('b')] })).not.toBe(key);
    expect(conversationKey({ model: 'other', messages: [system, user('a')] })).not.toBe(key);
});

test('long instructions that all share do not make one conversation of all', () => {
    const long = { role: 'system', content: 'x'.repeat(100_000) };
    const [one, other] = ['a', 'b'].map((text) => conversationKey({ model: 'toy', messages: [long, user(text)] }));
    expect(one).not.toBe(other);
});

test('what has no conversation in it has no key, and the key holds no text', () => {
    expect(conversationKey({ model: 'toy', input: 'embed me' })).toBeUndefined();
    expect(conversationKey({ model: 'toy', prompt: 'short' })).toBeUndefined();
    expect(conversationKey({ model: 'toy', messages: [system] })).toBeUndefined();
    expect(conversationKey({ model: 'toy', messages: [user('secret')] })).toMatch(/^[A-Za-z0-9+/]{43}=$/);
});

test('memory is bounded: the conversations used last stay', () => {
    const sticky = new StickyNodes(2);
    for (const name of ['a', 'b']) sticky.set(name, `node of ${name}`);
    sticky.set('a', 'another');
    sticky.set('c', 'node of c');
    expect(['a', 'b', 'c'].map((name) => sticky.get(name))).toEqual(['another', undefined, 'node of c']);
});
