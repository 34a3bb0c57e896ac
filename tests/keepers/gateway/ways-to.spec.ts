import { Address } from '@ton/core';
import { ManualClock, silentLogger } from '../../../keepers/base';
import type { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import type { DispatcherPeer } from '../../../keepers/gateway/dispatcher-feed';
import type { NetworkView } from '../../../keepers/gateway/network-view';
import { NodeDirectory } from '../../../keepers/gateway/node-directory';
import type { Checked, NodeVerifier } from '../../../keepers/gateway/node-verifier';
import type { NodeRow, TrustedNode } from '../../../keepers/gateway/trusted-node';
import { network, nowMs } from '../dispatch/sealed-request';

const [home, other] = [1, 2].map((byte) => new Address(0, Buffer.alloc(32, byte))) as [Address, Address];
const load = { inFlight: 0, queued: 0, maxConcurrency: 4, firstFrameMsP50: null, failureShare: 0 };
const nodeKey = 'ab'.repeat(32);
const [a, b, c] = ['https://a.example', 'https://b.example', 'https://c.example'] as const;

/** A directory whose dispatchers name the node where `names` says so. */
async function directoryOf(places: Record<string, { hub?: Address; names: boolean }>) {
    const clock = new ManualClock(nowMs);
    const peers = Object.entries(places).map(([url, place]): DispatcherPeer => {
        const { hub = home } = place;
        const row = { nodeKey, bundle: '', quote: '', kemCertificates: [''], offer: '', load };
        const directory = async () => ({
            network: network.toString('hex'),
            hub: hub.hash.toString('hex'),
            nodes: place.names ? [row] : [],
        });
        return { hub, client: { url, directory } as unknown as DispatcherClient };
    });
    const standing = { peers };
    const check = async (row: NodeRow, from: object) =>
        ({
            trusted: { ...from, id: row.nodeKey, offer: { models: [] }, load, checkedAtMs: clock.monotonicMs() },
            evidence: { ...row, trusted: true, refusal: null },
        }) as unknown as Checked;
    const directory = new NodeDirectory({
        network,
        peers: () => standing.peers,
        view: { refresh: async () => undefined } as unknown as NetworkView,
        verifier: { check } as unknown as NodeVerifier,
        pollIntervalMs: 1_000,
        clock,
        logger: silentLogger(),
    });
    await directory.refresh();
    const at = (dispatcherUrl: string, hub = home) => ({ id: nodeKey, hub, dispatcherUrl }) as TrustedNode;
    const unlist = async (url: string) => {
        standing.peers = standing.peers.filter(({ client }) => client.url !== url);
        await directory.refresh();
    };
    return { directory, at, clock, unlist };
}

describe('the ways to a node', () => {
    test('begin with the dispatcher that it was picked at, though another has it too', async () => {
        const { directory, at } = await directoryOf({ [a]: { names: true }, [b]: { names: true } });
        expect(directory.waysTo(at(b))).toEqual([b, a]);
        expect(directory.waysTo(at(a))).toEqual([a, b]);
    });

    test('go on with the replica that names it before one that does not', async () => {
        const { directory, at } = await directoryOf({
            [a]: { names: true },
            [b]: { names: false },
            [c]: { names: true },
        });
        expect(directory.waysTo(at(a))).toEqual([a, c, b]);
    });

    test('begin with a replica that names it where the one it was picked at does no more', async () => {
        const { directory, at } = await directoryOf({ [a]: { names: false }, [b]: { names: true } });
        expect(directory.waysTo(at(a))).toEqual([b, a]);
    });

    test('end with a dispatcher that was left, until its time is over', async () => {
        const { directory, at, clock } = await directoryOf({ [a]: { names: true }, [b]: { names: false } });
        directory.leaveDispatcher(a, 'it cannot be reached', 5_000);
        expect(directory.waysTo(at(a))).toEqual([b, a]);
        clock.advance(5_000);
        expect(directory.waysTo(at(a))).toEqual([a, b]);
    });

    test('never lead through the dispatcher of another hub, where another escrow pays', async () => {
        const { directory, at } = await directoryOf({ [a]: { names: true }, [b]: { hub: other, names: true } });
        expect(directory.waysTo(at(a))).toEqual([a]);
        expect(directory.waysTo(at(b, other))).toEqual([b]);
        directory.leaveDispatcher(a, 'it cannot be reached', 5_000);
        expect(directory.waysTo(at(a))).toEqual([a]);
    });

    test('are the one it was picked at where its hub vanished meanwhile', async () => {
        const { directory, at, unlist } = await directoryOf({ [a]: { names: true }, [b]: { hub: other, names: true } });
        await unlist(a);
        expect(directory.waysTo(at(a))).toEqual([a]);
    });
});
