import { Address } from '@ton/core';
import { ManualClock, silentLogger } from '../../../keepers/base';
import type { DispatcherPlace } from '../../../keepers/node/dispatcher-links';
import { type HubDispatcher, NodeHubs, type NodeHubsOptions } from '../../../keepers/node/node-hubs';

const at = (byte: number) => new Address(0, Buffer.alloc(32, byte));
const [home, other, third] = [at(1), at(2), at(3)];
const dispatcherOf = (hub: Address): HubDispatcher => ({ url: `https://${hub.hash[0]}.example`, hub });

function hubsWith(options: Partial<NodeHubsOptions> & { refuses?: Address[] } = {}) {
    const admitted: Address[] = [];
    const dialled: DispatcherPlace[] = [];
    const refuses = options.refuses ?? [];
    const hubs = new NodeHubs({
        home,
        configured: [dispatcherOf(home)],
        wanted: false,
        listed: async () => [],
        escrowsOf: async () => async () => null,
        admit: async (hub) => {
            if (refuses.some((one) => one.equals(hub))) throw new Error('not admitted');
            admitted.push(hub);
        },
        admissionCostNano: 300_000_000n,
        clock: new ManualClock(0),
        logger: silentLogger(),
        ...options,
    });
    const refresh = () => hubs.refresh((place) => dialled.push(place));
    return { hubs, admitted, dialled, refuses, refresh };
}

const names = (found: readonly Address[]) => found.map((hub) => hub.hash[0]);

test('a hub is paid for admission once for every attestation, and serves its own escrows alone', async () => {
    const { hubs, admitted } = hubsWith({ configured: [home, home, other].map(dispatcherOf) });
    await hubs.admitEverywhere();
    expect(names(admitted)).toEqual([1, 2]);
    await hubs.admitEverywhere();
    expect(names(admitted)).toEqual([1, 2, 1, 2]);
    expect(hubs.bookOf(home.hash)).not.toBe(hubs.bookOf(other.hash));
    expect(hubs.bookOf(third.hash)).toBeUndefined();
    expect(hubs.places()).toHaveLength(3);
});

test('without its own hub a node does not start; another hub that refuses it is tried again', async () => {
    await expect(hubsWith({ refuses: [home] }).hubs.admitEverywhere()).rejects.toThrow('not admitted');
    const { hubs, dialled, refuses, refresh } = hubsWith({
        configured: [home, other].map(dispatcherOf),
        refuses: [other],
    });
    await hubs.admitEverywhere();
    expect(hubs.places().map(({ hub }) => hub[0])).toEqual([1]);
    refuses.length = 0;
    await refresh();
    expect(dialled.map(({ hub }) => hub[0])).toEqual([1, 2]);
});

test.each<[string, NodeHubsOptions['wanted'], number[]]>([
    ['none', false, []],
    ['those that the provider names', [third], [3]],
    ['all', true, [2, 3]],
])('of the registry’s list it serves %s', async (_what, wanted, expected) => {
    const { hubs, admitted, refresh } = hubsWith({ wanted, listed: async () => [other, third].map(dispatcherOf) });
    await hubs.admitEverywhere();
    await refresh();
    await refresh();
    expect(names(admitted)).toEqual([1, ...expected]);
});

test('a long list costs no more than seven admissions beside that of the own hub', async () => {
    const listed = Array.from({ length: 20 }, (_, index) => dispatcherOf(at(10 + index)));
    const { hubs, admitted, refresh } = hubsWith({ wanted: true, listed: async () => listed });
    await hubs.admitEverywhere();
    await refresh();
    expect(admitted).toHaveLength(8);
});

test('a list that cannot be read leaves what is served as it is', async () => {
    const unreadable = async () => Promise.reject(new Error('no chain'));
    const { hubs, refresh } = hubsWith({ wanted: true, listed: unreadable });
    await hubs.admitEverywhere();
    await expect(refresh()).rejects.toThrow('no chain');
    expect(hubs.places()).toHaveLength(1);
});

test.each(['', 'other.example', 'wss://other.example'])(
    'a hub that is listed under %j is paid and dialled when its endpoint is a URL, not before',
    async (url) => {
        const list = [{ url, hub: other }, dispatcherOf(third)];
        const { hubs, admitted, dialled, refresh } = hubsWith({ wanted: true, listed: async () => list });
        await hubs.admitEverywhere();
        await refresh();
        expect(names(admitted)).toEqual([1, 3]);
        expect(dialled.map(({ hub }) => hub[0])).toEqual([1, 3]);
        list[0] = dispatcherOf(other);
        await refresh();
        expect(names(admitted)).toEqual([1, 3, 2]);
    },
);
