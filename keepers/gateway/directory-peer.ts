import { DispatcherFeed, type DispatcherPeer } from './dispatcher-feed';
import type { TrustedNode } from './trusted-node';

/** Unchanged evidence is judged again, and the chain asked about its key, after this long. */
const recheckMs = 10_000;
/** Nodes judged again in one round; with more than that the others wait for the next, well within the life of their trust. */
const maxRechecks = 500;

/** One dispatcher and what was found of its nodes. */
export class DirectoryPeer {
    readonly feed: DispatcherFeed;
    readonly trusted = new Map<string, TrustedNode>();
    /** Refused, or the chain could not be asked: judged again soon. */
    private readonly retry = new Set<string>();
    /** Last time each node was judged, trusted or not. */
    private readonly judgedAtMs = new Map<string, number>();
    registryVersion: number | undefined;
    /** By the monotonic clock, as all times here. */
    leftUntilMs = 0;
    leftFor = '';

    constructor(peer: DispatcherPeer, network: Buffer) {
        this.feed = new DispatcherFeed(peer, network);
    }

    get url(): string {
        return this.feed.peer.client.url;
    }

    /** Rows that are new, then those judged longest ago. */
    due(touched: ReadonlySet<string>, nowMs: number): string[] {
        const { feed, retry, judgedAtMs } = this;
        const fresh = [...touched].filter((id) => feed.all.has(id));
        const old = [...retry].filter((id) => !touched.has(id) && feed.all.has(id)).slice(0, maxRechecks / 2);
        // In the order they were judged in.
        for (const [id, atMs] of judgedAtMs) {
            if (nowMs - atMs < recheckMs || old.length >= maxRechecks) break;
            if (!touched.has(id) && feed.all.has(id)) old.push(id);
        }
        return [...fresh, ...old];
    }

    /** @returns whether others should know: it was not trusted before, or its row is another */
    trust(node: TrustedNode, isNew: boolean, nowMs: number): boolean {
        const { id } = node;
        this.retry.delete(id);
        this.judgedAtMs.delete(id);
        this.judgedAtMs.set(id, nowMs);
        const known = this.trusted.get(id);
        if (known === undefined || isNew) {
            this.trusted.set(id, node);
            return true;
        }
        // The same row: what it offers is the same, and the index, which holds this object, still serves.
        Object.assign(known, node);
        return false;
    }

    /** @returns whether it was trusted */
    drop(id: string): boolean {
        this.judgedAtMs.delete(id);
        this.retry.delete(id);
        return this.trusted.delete(id);
    }

    /** After the others: they have their turn first. */
    judgeSoon(id: string): void {
        this.retry.add(id);
    }
}

export function peerName({ client, hub }: DispatcherPeer): string {
    return `${client.url} ${hub.toRawString()}`;
}
