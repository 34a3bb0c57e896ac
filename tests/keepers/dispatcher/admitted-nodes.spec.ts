import { ManualClock } from '../../../keepers/base';
import { type Admission, AdmittedNodes } from '../../../keepers/dispatcher/admitted-nodes';

const nowSec = 1_000_000;
const live: Admission = { notAfter: nowSec + 1, revokedAt: null };
const keyOf = (index: number) => Buffer.alloc(32, index % 251).fill(index >> 8, 0, 1);

/** A hub whose answers the test lets go. */
function hubOf(nodes: Map<string, Admission>) {
    const clock = new ManualClock(nowSec * 1_000);
    const single: (() => void)[] = [];
    const whole: { answer(): void; fail(error: Error): void }[] = [];
    let timesRead = 0;
    const admitted = new AdmittedNodes({
        readOne: (nodeKey) =>
            new Promise((resolve) => single.push(() => resolve(nodes.get(nodeKey.toString('hex')) ?? null))),
        readAll: () =>
            new Promise((resolve, reject) => {
                whole.push({ answer: () => resolve(new Map(nodes)), fail: reject });
            }),
        chainTimeSec: async () => {
            timesRead += 1;
            return nowSec;
        },
        clock,
        maxSingleReads: 2,
        betweenReadsOfAllMs: 2_000,
    });
    return { admitted, clock, single, whole, timesRead: () => timesRead };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test.each([
    ['admits a key that lives', live, true],
    ['refuses a key from the second in which it ends', { ...live, notAfter: nowSec }, false],
    ['refuses a key that was revoked', { ...live, revokedAt: nowSec - 1 }, false],
    ['refuses a key that the hub does not know', null, false],
])('%s, however it is read', async (_, admission, expected) => {
    const asked = keyOf(7);
    const hub = hubOf(new Map(admission === null ? [] : [[asked.toString('hex'), admission]]));
    const alone = hub.admitted.has(asked);
    const another = hub.admitted.has(keyOf(8));
    const inTheCrowd = hub.admitted.has(asked);
    await settled();
    expect([hub.single.length, hub.whole.length]).toEqual([2, 1]);
    for (const answer of hub.single) answer();
    hub.whole[0]!.answer();
    expect(await Promise.all([alone, another, inTheCrowd])).toEqual([expected, false, expected]);
});

test('ten thousand nodes that dial at once cost three reads of the hub and one of the time', async () => {
    const keys = Array.from({ length: 10_000 }, (_unused, index) => Buffer.alloc(32).fill(`node ${index} `));
    const hub = hubOf(new Map(keys.map((key) => [key.toString('hex'), live])));
    const asked = Promise.all(keys.map((key) => hub.admitted.has(key)));
    await settled();
    expect([hub.single.length, hub.whole.length, hub.timesRead()]).toEqual([2, 1, 1]);
    for (const answer of hub.single) answer();
    hub.whole[0]!.answer();
    expect(new Set(await asked)).toEqual(new Set([true]));
});

test('no answer is older than its question: who asks during a read of all waits for the next, and that for a while', async () => {
    const nodes = new Map<string, Admission>();
    const hub = hubOf(nodes);
    void hub.admitted.has(keyOf(1));
    void hub.admitted.has(keyOf(2));
    const early = hub.admitted.has(keyOf(3));
    await settled();
    hub.whole[0]!.answer();
    expect(await early).toBe(false);
    nodes.set(keyOf(3).toString('hex'), live);
    const late = hub.admitted.has(keyOf(3));
    await settled();
    expect(hub.whole).toHaveLength(1);
    hub.clock.advance(2_000);
    await settled();
    hub.whole[1]!.answer();
    expect(await late).toBe(true);
});

test('the pause between two reads of all is no longer for a clock that was set back, nor does the time serve longer', async () => {
    const hub = hubOf(new Map());
    void hub.admitted.has(keyOf(1));
    void hub.admitted.has(keyOf(2));
    void hub.admitted.has(keyOf(3));
    await settled();
    hub.whole[0]!.answer();
    await settled();
    hub.clock.setBy(-3_600_000);
    hub.clock.advance(2_000);
    void hub.admitted.has(keyOf(3));
    await settled();
    expect([hub.whole.length, hub.timesRead()]).toEqual([2, 2]);
});

test('a read that fails answers nobody, and the next one is made', async () => {
    const hub = hubOf(new Map([[keyOf(3).toString('hex'), live]]));
    void hub.admitted.has(keyOf(1));
    void hub.admitted.has(keyOf(2));
    const failed = hub.admitted.has(keyOf(3));
    await settled();
    hub.whole[0]!.fail(new Error('no endpoint answers'));
    await expect(failed).rejects.toThrow('no endpoint answers');
    const again = hub.admitted.has(keyOf(3));
    await settled();
    hub.clock.advance(2_000);
    await settled();
    hub.whole[1]!.answer();
    expect(await again).toBe(true);
});

test('once the crowd is gone, a node that dials is looked up by itself', async () => {
    const hub = hubOf(new Map([[keyOf(1).toString('hex'), live]]));
    const first = [hub.admitted.has(keyOf(1)), hub.admitted.has(keyOf(2))];
    for (const answer of hub.single.splice(0)) answer();
    await Promise.all(first);
    const next = hub.admitted.has(keyOf(1));
    expect(hub.single).toHaveLength(1);
    hub.single[0]!();
    expect(await next).toBe(true);
    expect(hub.whole).toHaveLength(0);
});
