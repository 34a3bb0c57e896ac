import { ManualClock, silentLogger } from '../../../keepers/base';
import { DeadNodes, type DeadNodesOptions } from '../../../keepers/dispatcher/dead-nodes';
import type { StreamId } from '../../../keepers/ledger';

const nowMs = 1_900_000_000_000;
const nowSec = nowMs / 1_000;
const hourMs = 3_600_000;
const intervalMs = 600_000;

interface OpenStream {
    stream: StreamId;
    sinceMs: number;
}

const openSince = (name: string, sinceMs: number): OpenStream => ({
    stream: { escrow: Buffer.alloc(32, 1), epoch: 1, nodeKey: Buffer.alloc(32, name) },
    sinceMs,
});

/** A ledger with these streams open, and a hub that settles these keys' receipts until then. */
function parts(open: OpenStream[], until: Record<string, number | null> = {}) {
    const clock = new ManualClock(nowMs);
    const released: string[] = [];
    const asked: string[] = [];
    const hub = { isAway: false };
    const lease = { holder: '', untilMs: 0 };
    const ledger = {
        leases: {
            hold: async (_name: string, holder: string, lifeMs: number) => {
                if (lease.holder !== holder && lease.untilMs > clock.nowMs()) return false;
                Object.assign(lease, { holder, untilMs: clock.nowMs() + lifeMs });
                return true;
            },
        },
        streamsOpenSince: async (beforeMs: number) => open.filter(({ sinceMs }) => sinceMs < beforeMs),
        releaseNode: async ({ nodeKey }: StreamId) => {
            released.push(nameOf(nodeKey));
            return 2;
        },
    };
    const nodesOf = (holder: string) =>
        new DeadNodes({
            ledger: ledger as unknown as DeadNodesOptions['ledger'],
            holder,
            settlesUntilSec: async (nodeKey) => {
                asked.push(nameOf(nodeKey));
                if (hub.isAway) throw new Error('no endpoint answers');
                return until[nameOf(nodeKey)] ?? null;
            },
            chainTimeSec: async () => nowSec,
            clock,
            logger: silentLogger(),
            intervalMs,
        });
    return { clock, released, asked, hub, nodesOf };
}

const nameOf = (nodeKey: Buffer) => nodeKey.toString('latin1', 0, 1);
const settled = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('frees what a node holds from the second in which no receipt of it can be settled any more', async () => {
    const old = nowMs - 3 * hourMs;
    const { nodesOf, released } = parts([openSince('a', old), openSince('b', old)], { a: nowSec - 1, b: nowSec });
    expect(await nodesOf('one').releaseAll()).toBe(2);
    expect(released).toEqual(['a']);
});

test('does not even ask about a stream in which something may still run', async () => {
    const { nodesOf, asked } = parts([openSince('a', nowMs - 2 * hourMs)], { a: nowSec - 1 });
    expect(await nodesOf('one').releaseAll()).toBe(0);
    expect(asked).toEqual([]);
});

test('believes for a day that a key which the hub does not know may only lag', async () => {
    const { nodesOf, released } = parts([openSince('a', nowMs - 24 * hourMs), openSince('b', nowMs - 24 * hourMs - 1)]);
    await nodesOf('one').releaseAll();
    expect(released).toEqual(['b']);
});

test('frees nothing while the chain cannot be read', async () => {
    const { nodesOf, released, hub } = parts([openSince('a', nowMs - 3 * hourMs)], { a: nowSec - 1 });
    hub.isAway = true;
    await expect(nodesOf('one').releaseAll()).rejects.toThrow('no endpoint answers');
    expect(released).toEqual([]);
});

test('one replica does it; another takes over when that one is gone', async () => {
    const { nodesOf, released, clock } = parts([openSince('a', nowMs - 3 * hourMs)], { a: nowSec - 1 });
    const [one, two] = [nodesOf('one'), nodesOf('two')];
    expect([await one.releaseAll(), await two.releaseAll()]).toEqual([2, 0]);
    clock.advance(2 * intervalMs);
    expect(await two.releaseAll()).toBe(2);
    expect(released).toEqual(['a', 'a']);
});

test('looks again and again until it is stopped, after failures too', async () => {
    const { nodesOf, released, hub, clock } = parts([openSince('a', nowMs - 3 * hourMs)], { a: nowSec - 1 });
    const nodes = nodesOf('one');
    hub.isAway = true;
    nodes.start();
    await settled();
    hub.isAway = false;
    clock.advance(intervalMs);
    await settled();
    expect(released).toEqual(['a']);
    await nodes.stop();
    clock.advance(10 * intervalMs);
    await settled();
    expect(released).toEqual(['a']);
});
