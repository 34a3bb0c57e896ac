import { Coalescer, coalesceMs } from '../../../keepers/node/coalescer';
import { SharedSteps, stepMs } from '../../../keepers/node/shared-steps';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function gather(steps = new SharedSteps()) {
    const batches: string[] = [];
    return { batches, coalescer: new Coalescer((batch) => batches.push(batch.toString()), steps) };
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
    jest.advanceTimersByTime(coalesceMs - 2);
    expect(batches).toEqual(['a']);
    jest.advanceTimersByTime(2 + stepMs);
    expect(batches).toEqual(['a', 'bc']);
});

test('answers that are due at about the same time go in one step', () => {
    const steps = new SharedSteps();
    const sentAtMs: number[] = [];
    const answers = Array.from({ length: 20 }, () => new Coalescer(() => sentAtMs.push(performance.now()), steps));
    for (const answer of answers) {
        say(answer, 'a');
        jest.advanceTimersByTime(1);
        say(answer, 'b');
    }
    jest.advanceTimersByTime(3 * coalesceMs);
    expect(sentAtMs).toHaveLength(2 * answers.length);
    expect(new Set(sentAtMs.slice(answers.length)).size).toBeLessThanOrEqual(answers.length / stepMs + 1);
});

test('batches of an answer that goes on are the tick apart, no more', () => {
    const sentAtMs: number[] = [];
    const coalescer = new Coalescer(() => sentAtMs.push(performance.now()), new SharedSteps());
    for (let tenths = 0; tenths < 100; tenths++) {
        say(coalescer, 'x');
        jest.advanceTimersByTime(coalesceMs / 10);
    }
    const gapsMs = sentAtMs.slice(1).map((atMs, index) => atMs - sentAtMs[index]!);
    expect(gapsMs[0]).toBeLessThanOrEqual(coalesceMs + stepMs);
    expect(new Set(gapsMs.slice(1))).toEqual(new Set([coalesceMs]));
});

test('what went early does not take along what came after it', () => {
    const { batches, coalescer } = gather();
    for (const text of ['a', 'b']) say(coalescer, text);
    jest.advanceTimersByTime(coalesceMs / 2);
    coalescer.flush();
    say(coalescer, 'c');
    jest.advanceTimersByTime(coalesceMs / 2 + stepMs);
    expect(batches).toEqual(['a', 'b']);
    jest.advanceTimersByTime(coalesceMs / 2);
    expect(batches).toEqual(['a', 'b', 'c']);
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
