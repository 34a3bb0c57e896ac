import { Address } from '@ton/core';
import type { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import { DispatcherFeed } from '../../../keepers/gateway/dispatcher-feed';
import { hub, network } from '../dispatch/sealed-request';

/** A dispatcher that answers with these rows, as what is new since the version that was asked for. */
function feedOf(rowsAt: (round: number) => object[]) {
    let round = 0;
    const directory = async (since?: string) => {
        const nodes = rowsAt(++round);
        return { network: network.toString('hex'), hub: hub.toString('hex'), version: `v-${round}`, since, nodes };
    };
    const client = { url: 'http://hostile', directory } as unknown as DispatcherClient;
    return new DispatcherFeed({ client, hub: new Address(0, hub) }, network);
}

const load = { inFlight: 0, queued: 0, maxConcurrency: 1, firstFrameMsP50: null, failureShare: 0 };
const row = (id: number, more: object = {}) => ({
    nodeKey: id.toString(16).padStart(64, '0'),
    bundle: 'AAAA',
    quote: 'AAAA',
    kemCertificates: ['AAAA'],
    offer: 'AAAA',
    load,
    ...more,
});

test('a dispatcher that names other nodes in every round is told apart from one that has many, and forgotten', async () => {
    const perRound = 9_000;
    const feed = feedOf((round) => Array.from({ length: perRound }, (_, index) => row(round * perRound + index)));
    await feed.refresh();
    await feed.refresh();
    expect(feed.all.size).toBe(2 * perRound);
    await expect(feed.refresh()).rejects.toThrow('more nodes than a dispatcher may');
    expect(feed.all.size).toBe(0);
});

test('so is one whose rows are as large as they may be', async () => {
    const large = { gpuEvidence: [{ text: 'x'.repeat(1_000_000) }] };
    const feed = feedOf((round) => Array.from({ length: 60 }, (_, index) => row(round * 60 + index, large)));
    await feed.refresh();
    await feed.refresh();
    await expect(feed.refresh()).rejects.toThrow('more nodes than a dispatcher may');
});

test('a row with evidence beyond any, or nested deeper than it could be shown, is passed over', async () => {
    const nested = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as unknown;
    const rows = [row(1), row(2, { gpuEvidence: 'x'.repeat(2_000_000) }), row(3, { gpuEvidence: nested })];
    const feed = feedOf(() => rows);
    await feed.refresh();
    expect([...feed.all.keys()]).toEqual([row(1).nodeKey]);
});

test('one whose directory comes in many large parts is read no further than it may be kept', async () => {
    let pages = 0;
    const directory = async () => {
        pages++;
        const nodes = Array.from({ length: 10 }, (_, id) =>
            row(pages * 10 + id, { gpuEvidence: ['x'.repeat(1_000_000)] }),
        );
        return { network: network.toString('hex'), hub: hub.toString('hex'), version: `v-${pages}`, more: true, nodes };
    };
    const client = { url: 'http://hostile', directory } as unknown as DispatcherClient;
    const feed = new DispatcherFeed({ client, hub: new Address(0, hub) }, network);
    await expect(feed.refresh()).rejects.toThrow('more nodes than a dispatcher may');
    expect(pages).toBe(14);
    expect(feed.all.size).toBe(0);
});
