import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '../../../keepers/base';

test('it ends with the signal that it is made of, and with its reason', () => {
    const caller = new AbortController();
    const { signal } = timeLimit(caller.signal, 60_000);
    expect(signal.aborted).toBe(false);
    caller.abort(new Error('the caller went away'));
    expect(signal.reason).toEqual(new Error('the caller went away'));
    expect(timeLimit(caller.signal, 60_000).signal.reason).toEqual(new Error('the caller went away'));
});

test('it gives reasons of its own where it has some', async () => {
    const caller = new AbortController();
    const reasons = { late: () => new Error('late'), gone: () => new Error('gone') };
    const [gone, late] = [
        timeLimit(caller.signal, 60_000, reasons),
        timeLimit(new AbortController().signal, 5, reasons),
    ];
    caller.abort();
    await sleep(50);
    expect([gone, late].map(({ signal }) => signal.reason as Error)).toEqual([new Error('gone'), new Error('late')]);
});

test('it ends by itself in time', async () => {
    const { signal } = timeLimit(new AbortController().signal, 5);
    await sleep(50);
    expect(signal.reason).toEqual(new Error('it took longer than it may'));
});

test('once it is not needed any more it ends by nothing, and holds on to nothing', async () => {
    const caller = new AbortController();
    const limit = timeLimit(caller.signal, 5);
    limit.end();
    await sleep(50);
    caller.abort();
    expect(limit.signal.aborted).toBe(false);
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
});
