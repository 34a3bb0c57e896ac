import { Coalescer, coalesceMs } from '../../../keepers/node/coalescer';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function gather() {
    const batches: string[] = [];
    return { batches, coalescer: new Coalescer((batch) => batches.push(batch.toString())) };
}

const say = (coalescer: Coalescer, text: string) => coalescer.add(Buffer.from(text));

test('the first token goes at once, so that nobody waits for it', () => {
    const { batches, coalescer } = gather();
    say(coalescer, 'a');
    expect(batches).toEqual(['a']);
});

test('what follows within the tick goes together at its end, in order', () => {
    const { batches, coalescer } = gather();
    for (const text of ['a', 'b', 'c']) say(coalescer, text);
    jest.advanceTimersByTime(coalesceMs - 1);
    expect(batches).toEqual(['a']);
    jest.advanceTimersByTime(1);
    expect(batches).toEqual(['a', 'bc']);
});

test('tokens further apart than the tick are not held up at all', () => {
    const { batches, coalescer } = gather();
    for (const text of ['a', 'b', 'c']) {
        say(coalescer, text);
        jest.advanceTimersByTime(coalesceMs);
    }
    expect(batches).toEqual(['a', 'b', 'c']);
});

test('a large batch does not wait, and the end of an answer waits for nothing', () => {
    const { batches, coalescer } = gather();
    say(coalescer, 'a');
    say(coalescer, 'b'.repeat(16_384));
    expect(batches.map((batch) => batch.length)).toEqual([1, 16_384]);
    say(coalescer, 'c');
    coalescer.flush();
    expect(batches.at(-1)).toBe('c');
    jest.advanceTimersByTime(10 * coalesceMs);
    expect(batches).toHaveLength(3);
});
