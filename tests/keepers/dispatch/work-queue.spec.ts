import { DispatchError, WorkQueue } from '../../../keepers/dispatch';

interface Job {
    name: string;
    end: () => void;
}

/** A queue whose work ends when told to, and a list of what has begun. */
function controlled(concurrency: number, maxWaiting: number) {
    const queue = new WorkQueue(concurrency, maxWaiting);
    const begun: Job[] = [];
    const run = (escrow: string, name: string, signal?: AbortSignal) =>
        queue.run(escrow, () => new Promise<void>((end) => begun.push({ name, end })), signal);
    const tick = () => new Promise((resolve) => setImmediate(resolve));
    const names = async () => (await tick(), begun.map(({ name }) => name));
    const endNext = async () => (begun.shift()!.end(), await tick());
    return { queue, run, names, endNext, begun };
}

test('as many run at once as the node offers, the others wait in order', async () => {
    const { run, names, endNext, queue } = controlled(2, 10);
    for (const name of ['1', '2', '3', '4']) void run('escrow', name);
    expect(await names()).toEqual(['1', '2']);
    expect(queue.waiting).toBe(2);
    await endNext();
    expect(await names()).toEqual(['2', '3']);
});

test('an escrow with a burst does not starve another', async () => {
    const { run, names, endNext } = controlled(1, 10);
    for (const name of ['a1', 'a2', 'a3']) void run('a', name);
    void run('b', 'b1');
    const order: string[] = [];
    for (let left = 4; left > 0; left--) {
        order.push(...(await names()));
        await endNext();
    }
    expect(order).toEqual(['a1', 'b1', 'a2', 'a3']);
});

test('beyond the bound it answers 429 at once', async () => {
    const { run, names } = controlled(1, 1);
    void run('a', '1');
    void run('a', '2');
    expect(() => void run('b', '3')).toThrow(DispatchError);
    expect(() => void run('b', '3')).toThrow(expect.objectContaining({ code: 'node_busy', status: 429 }) as Error);
    expect(await names()).toEqual(['1']);
});

test('no escrow holds all places: a newcomer takes the last of the one with the most', async () => {
    const { run, names, endNext, queue } = controlled(1, 4);
    const waiting = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => run('a', name));
    void run('b', 'b1');
    await expect(waiting[4]).rejects.toMatchObject({ code: 'node_busy', status: 429, retryAfterMs: 1_000 });
    void run('b', 'b2');
    await expect(waiting[3]).rejects.toMatchObject({ code: 'node_busy' });
    expect(queue.waiting).toBe(4);
    // As many each: neither takes anything from the other.
    expect(() => void run('b', 'b3')).toThrow(DispatchError);
    expect(() => void run('a', 'a6')).toThrow(DispatchError);
    const order: string[] = [];
    for (let left = 5; left > 0; left--) {
        order.push(...(await names()));
        await endNext();
    }
    expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
});

test('what has begun, or has given up, makes no room', async () => {
    const { run, names, endNext, queue } = controlled(2, 2);
    const gone = new AbortController();
    const running = [run('a', 'a1'), run('a', 'a2')];
    const third = run('a', 'a3', gone.signal);
    void run('a', 'a4');
    gone.abort(new Error('gone'));
    await expect(third).rejects.toThrow('gone');
    void run('c', 'c1');
    expect(() => void run('b', 'b1')).toThrow(DispatchError);
    await endNext();
    await endNext();
    await Promise.all(running);
    expect(await names()).toEqual(['c1', 'a4']);
    expect(queue.waiting).toBe(0);
});

test('a queue without waiting room still runs what is free', async () => {
    const { run, names } = controlled(1, 0);
    void run('a', '1');
    expect(await names()).toEqual(['1']);
    expect(() => void run('a', '2')).toThrow(DispatchError);
});

test('who gives up while waiting leaves the queue at once, with the reason', async () => {
    const { run, names, queue, endNext } = controlled(1, 1);
    void run('a', '1');
    const giveUp = new AbortController();
    const second = run('a', '2', giveUp.signal);
    giveUp.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    expect(queue.waiting).toBe(0);
    void run('b', '3');
    await endNext();
    expect(await names()).toEqual(['3']);
});

test('who has gone before it is asked for never waits', async () => {
    const { run, names } = controlled(1, 1);
    await expect(run('a', '1', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(await names()).toEqual([]);
});

test('work that has begun is not cut short: it ends by itself', async () => {
    const { run, names, endNext } = controlled(1, 1);
    const giveUp = new AbortController();
    const first = run('a', '1', giveUp.signal);
    void run('a', '2');
    expect(await names()).toEqual(['1']);
    giveUp.abort(new Error('gone'));
    expect(await names()).toEqual(['1']);
    await endNext();
    await expect(first).resolves.toBeUndefined();
    expect(await names()).toEqual(['2']);
});

test('work that fails frees its place', async () => {
    const { queue, run, names } = controlled(1, 1);
    await expect(queue.run('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    void run('a', '2');
    expect(await names()).toEqual(['2']);
});

test('a node that offers more runs more at once', async () => {
    const { queue, run, names } = controlled(1, 5);
    for (const name of ['1', '2', '3']) void run('a', name);
    queue.concurrency = 3;
    expect(await names()).toEqual(['1', '2', '3']);
});
