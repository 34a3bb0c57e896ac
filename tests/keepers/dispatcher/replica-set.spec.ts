import { ManualClock, silentLogger } from '../../../keepers/base';
import { ReplicaSet, type ReplicaSetOptions } from '../../../keepers/dispatcher/replica-set';
import type { Lease } from '../../../keepers/ledger';

const leaseMs = 10_000;
const hub = Buffer.alloc(32, 7);
const nameOf = (id: string, of = hub) => `replica ${of.toString('hex')} ${id}`;

/** The leases of one ledger, by a clock that is the database's. */
class SharedLeases {
    readonly held = new Map<string, Lease>();
    readonly lost: string[] = [];
    failing = false;

    constructor(readonly clock: ManualClock) {}

    readonly leases = {
        hold: async (name: string, holder: string, lifeMs: number) => {
            if (this.failing) throw new Error('the database is away');
            const other = this.held.get(name);
            const isFree = other === undefined || other.holder === holder || other.expiresAtMs <= this.clock.nowMs();
            if (isFree) this.take(name, holder, lifeMs);
            return isFree;
        },
        seize: async (name: string, holder: string, lifeMs: number) => this.take(name, holder, lifeMs),
        release: async (name: string, holder: string) => {
            if (this.held.get(name)?.holder === holder) this.held.delete(name);
        },
        list: async (prefix: string) => ({
            nowMs: this.clock.nowMs(),
            leases: [...this.held.values()].filter(({ name }) => name.startsWith(prefix)),
        }),
    };

    take(name: string, holder: string, lifeMs: number): void {
        this.held.set(name, { name, holder, expiresAtMs: this.clock.nowMs() + lifeMs });
    }

    readonly markRunningLost = async (_atMs: number, id = '') => {
        this.lost.push(id);
        return 1;
    };
}

const settled = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const sets: ReplicaSet[] = [];
afterEach(async () => {
    for (const set of sets.splice(0)) await set.stop();
});

function network() {
    const clock = new ManualClock(1_000_000);
    const shared = new SharedLeases(clock);
    const replica = (id: string, publicUrl: string | undefined = `https://${id}`, of = hub) => {
        const told = { changes: 0, replaced: 0 };
        const set = new ReplicaSet({
            ledger: shared as unknown as ReplicaSetOptions['ledger'],
            hub: of,
            id,
            publicUrl,
            onChange: () => void (told.changes += 1),
            onReplaced: () => void (told.replaced += 1),
            clock,
            logger: silentLogger(),
            leaseMs,
        });
        sets.push(set);
        return { set, told };
    };
    /** Each renews four times in the life of a lease. */
    const pass = async (ms: number) => {
        for (let left = ms; left > 0; left -= leaseMs / 4) {
            clock.advance(leaseMs / 4);
            await settled();
        }
    };
    return { clock, shared, replica, pass };
}

test('replicas of a hub name each other, and say so when others come; one without an address is not named', async () => {
    const { replica, pass } = network();
    const [a, b, hidden] = [replica('a'), replica('b'), replica('hidden', '')];
    await a.set.start();
    expect([a.set.urls, a.told.changes]).toEqual([[], 0]);
    await b.set.start();
    await hidden.set.start();
    await pass(leaseMs / 4);
    expect([a.set.urls, b.set.urls]).toEqual([['https://b'], ['https://a']]);
    expect(hidden.set.urls).toEqual(['https://a', 'https://b']);
    expect([a.told.changes, b.told.changes]).toEqual([1, 1]);
    await pass(leaseMs);
    expect([a.told.changes, b.told.changes]).toEqual([1, 1]);
});

test('a dispatcher of another hub on the same ledger is nobody’s replica, and is not buried', async () => {
    const { shared, replica, pass } = network();
    const a = replica('a');
    shared.take(nameOf('far', Buffer.alloc(32, 8)), 'boot https://far', leaseMs);
    await a.set.start();
    await pass(2 * leaseMs);
    expect([a.set.urls, shared.lost]).toEqual([[], []]);
});

test('one that stops is gone at once, and nothing of it is lost: it has ended what it relayed', async () => {
    const { shared, replica, pass } = network();
    const [a, b] = [replica('a'), replica('b')];
    await a.set.start();
    await b.set.start();
    await b.set.stop();
    await pass(leaseMs / 4);
    expect([a.set.urls, shared.lost]).toEqual([[], []]);
});

test('one that dies is named until its lease runs out; then what ran there is lost, once, and it is forgotten', async () => {
    const { shared, replica, pass } = network();
    const a = replica('a');
    shared.take(nameOf('dead'), 'boot https://dead', leaseMs);
    await a.set.start();
    await pass(leaseMs / 2);
    expect([a.set.urls, shared.lost]).toEqual([['https://dead'], []]);
    await pass(leaseMs);
    expect([a.set.urls, shared.lost]).toEqual([[], ['dead']]);
    expect([...shared.held.keys()]).toEqual([nameOf('a')]);
    expect(a.told.changes).toBe(2);
});

test('whoever comes under the same id replaces the one before, which is told once and renews no more', async () => {
    const { shared, replica, pass } = network();
    const [first, second] = [replica('a', 'https://old'), replica('a', 'https://new')];
    await first.set.start();
    await second.set.start();
    await pass(2 * leaseMs);
    expect([first.told.replaced, second.told.replaced]).toEqual([1, 0]);
    expect(shared.held.get(nameOf('a'))!.holder).toContain('https://new');
    // Its end does not take the lease from the one that lives.
    await first.set.stop();
    expect(shared.held.has(nameOf('a'))).toBe(true);
});

test('a database that is away for a while stops nobody', async () => {
    const { shared, replica, pass } = network();
    const a = replica('a');
    await a.set.start();
    shared.failing = true;
    await pass(leaseMs);
    expect(a.told.replaced).toBe(0);
    shared.failing = false;
    await pass(leaseMs / 4);
    expect(shared.held.get(nameOf('a'))!.expiresAtMs).toBeGreaterThan(shared.clock.nowMs());
});
