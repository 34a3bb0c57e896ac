import { type ConnectedNode as Connected, decodeJson, helloSchema } from '../../../keepers/dispatch';
import { ConnectedNode } from '../../../keepers/dispatch/connected-node';
import type { GreetedNode } from '../../../keepers/dispatch/hello';
import type { NodeLink } from '../../../keepers/dispatch/node-link';
import { Directory } from '../../../keepers/dispatcher/directory';
import { NodeRoster } from '../../../keepers/dispatcher/node-roster';
import { unhurried } from '../../../keepers/dispatcher/unhurried';
import type { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import { DispatcherFeed } from '../../../keepers/gateway/dispatcher-feed';
import { Address } from '@ton/core';
import { hub, network, node } from '../dispatch/sealed-request';
import { temporaryFolder } from '../ledger/temporary-folder';
import { linkedDispatcher } from './linked-dispatcher';

const folder = temporaryFolder();
const keyOf = (index: number) => index.toString(16).padStart(64, '0');
const greetedAs = (key: string, maxConcurrency = 1) =>
    ({
        nodeKey: Buffer.from(key, 'hex'),
        kemCertificates: [{ signed: Buffer.from('certificate') }],
        offer: { signed: Buffer.from('offer'), maxConcurrency },
    }) as unknown as GreetedNode;

function connected(index: number, quote = 'quote'): Connected {
    const hello = {
        nodeKey: keyOf(index),
        bundle: 'AAAA',
        quote: Buffer.from(quote).toString('base64'),
        collateral: { tcbInfo: 'ü' },
        kemCertificates: ['AAAA'],
        offer: 'AAAA',
        signature: 'AAAA',
    };
    const one = new ConnectedNode(
        greetedAs(keyOf(index)),
        decodeJson(helloSchema, Buffer.from(JSON.stringify(hello)))!,
        1,
        0,
    );
    one.link = { inFlight: 0 } as NodeLink;
    return one;
}

interface Answer {
    version: string;
    more?: boolean;
    gone: string[];
    nodes: { nodeKey: string; quote: string; collateral: unknown; load: { maxConcurrency: number } }[];
}

function directoryOf(count: number) {
    const nodes = new NodeRoster();
    const all = Array.from({ length: count }, (_unused, index) => connected(index));
    for (const one of all) nodes.set(one);
    const directory = new Directory({ network, hub, nodes, replicaUrls: () => [], isDraining: () => false });
    const read = (query = {}) => JSON.parse(Buffer.concat([...directory.json(query)]).toString()) as Answer;
    return { nodes, all, directory, read };
}

/** A gateway that reads the directory in pages of this many nodes. */
function feedOf(
    { read }: ReturnType<typeof directoryOf>,
    limit: number,
    beforePage: (page: number) => void = () => {},
) {
    let pages = 0;
    const client = {
        url: 'http://dispatcher',
        directory: async (since?: string) => {
            beforePage(++pages);
            return read({ since, limit });
        },
    };
    const peer = { client: client as unknown as DispatcherClient, hub: new Address(0, hub) };
    const feed = new DispatcherFeed(peer, network);
    return { feed, pages: () => pages, listed: () => [...feed.all.keys()].sort() };
}

test('what is rendered once is shown until the node has new evidence; terms and load are always the latest', () => {
    const { all, read } = directoryOf(1);
    const shown = () => read().nodes[0]!;
    expect(shown()).toMatchObject({ quote: Buffer.from('quote').toString('base64'), collateral: { tcbInfo: 'ü' } });
    all[0]!.accept(greetedAs(keyOf(0), 9));
    expect(shown()).toMatchObject({
        quote: Buffer.from('quote').toString('base64'),
        load: { maxConcurrency: 9 },
    });
    const bundle = Buffer.from('AAAA', 'base64');
    all[0]!.accept(greetedAs(keyOf(0)), { bundle, quote: Buffer.from('newer') });
    expect(shown()).toMatchObject({ quote: Buffer.from('newer').toString('base64'), load: { maxConcurrency: 1 } });
});

test('an empty directory, and one of many pieces, are whole JSON', () => {
    expect(directoryOf(0).read().nodes).toEqual([]);
    const { directory, read } = directoryOf(600);
    expect([...directory.json({})].length).toBeGreaterThan(1);
    expect(read().nodes.map(({ nodeKey }) => nodeKey)).toEqual(Array.from({ length: 600 }, (_, index) => keyOf(index)));
});

describe('a reader that asks for a few nodes at a time', () => {
    test.each([1, 2, 5, 6])('gets all of five in pages of %d', async (limit) => {
        const parts = directoryOf(5);
        const { feed, pages, listed } = feedOf(parts, limit);
        expect((await feed.refresh()).size).toBe(5);
        expect([listed(), pages()]).toEqual([[0, 1, 2, 3, 4].map(keyOf), Math.max(1, Math.ceil(5 / limit))]);
        expect((await feed.refresh()).size).toBe(0);
    });

    test('and misses nothing of what comes, changes and goes between its pages', async () => {
        const parts = directoryOf(6);
        const { nodes, all } = parts;
        const changes: Record<number, () => void> = {
            2: () => nodes.delete(all[0]!),
            3: () => {
                nodes.set(connected(9));
                nodes.touch(all[1]!);
                nodes.delete(all[5]!);
            },
        };
        const { feed, listed } = feedOf(parts, 2, (page) => changes[page]?.());
        await feed.refresh();
        expect(listed()).toEqual([1, 2, 3, 4, 9].map(keyOf));
    });

    test('and keeps what it had, and asks again, when a page does not come', async () => {
        const parts = directoryOf(5);
        const { feed, listed } = feedOf(parts, 2, (page) => {
            if (page === 2) throw new Error('the dispatcher is gone');
        });
        await expect(feed.refresh()).rejects.toThrow('the dispatcher is gone');
        expect(listed()).toEqual([]);
        expect((await feed.refresh()).size).toBe(5);
    });

    test('and leaves one that has no end', async () => {
        const parts = directoryOf(1);
        const endless = { ...parts, read: () => ({ ...parts.read(), more: true, nodes: [] }) };
        await expect(feedOf(endless, 1).feed.refresh()).rejects.toThrow('without an end');
    });
});

test('others have their turn while a long directory is rendered', async () => {
    const busyMs = 2;
    function* slow() {
        for (let piece = 0; piece < 30; piece++) {
            const untilMs = performance.now() + busyMs;
            while (performance.now() < untilMs);
            yield piece;
        }
    }
    let turns = 0;
    const others = setInterval(() => (turns += 1), 0);
    const pieces: number[] = [];
    for await (const piece of unhurried(slow())) pieces.push(piece);
    clearInterval(others);
    expect(pieces).toHaveLength(30);
    expect(turns).toBeGreaterThanOrEqual(5);
});

describe('over HTTP', () => {
    const statusAndCode = async (url: string) => {
        const answer = await fetch(url);
        const { error } = (await answer.json()) as { error?: { code: string } };
        return [answer.status, error?.code];
    };

    test('one node is read by its key, as it stands in the directory', async () => {
        const { url } = await linkedDispatcher(folder);
        const { nodes } = (await (await fetch(`${url}/v1/directory`)).json()) as Answer;
        const key = node.publicKey.toString('hex');
        expect(await (await fetch(`${url}/v1/directory/nodes/${key}`)).json()).toEqual(nodes[0]);
        for (const unknown of [keyOf(1), 'x'])
            expect(await statusAndCode(`${url}/v1/directory/nodes/${unknown}`)).toEqual([404, 'node_unknown']);
    });

    test.each(['0', '-1', 'x', '', '1000000'])('a page of %j nodes is refused', async (limit) => {
        const { url } = await linkedDispatcher(folder);
        expect(await statusAndCode(`${url}/v1/directory?limit=${limit}`)).toEqual([400, 'envelope_invalid']);
    });
});
