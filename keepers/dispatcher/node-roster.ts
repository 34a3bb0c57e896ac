import { randomBytes } from 'node:crypto';
import type { ConnectedNode } from '../dispatch';

/** What changed since a reader last asked, or all when that is not known any more. */
export interface RosterChanges {
    /** Up to where `nodes` and `gone` go. */
    version: string;
    /** Present where `nodes` holds the changed ones alone. */
    since?: string;
    /** Present where there is more than was asked for: it changed since `version`. */
    more?: true;
    nodes: ConnectedNode[];
    /** Keys in hex of those that have gone. */
    gone: string[];
}

/** In-flight, queued, most at once, median first frame in ms, share of failures: a row of the load feed. */
export type LoadRow = readonly [number, number, number, number | null, number];

export interface LoadChanges {
    version: string;
    since?: string;
    load: Record<string, LoadRow>;
}

/** Departures that are remembered; whoever asks about earlier ones reads everything. */
const maxGone = 20_000;

interface LoadStamp {
    row: LoadRow;
    version: number;
}

/** The connected nodes, and what of them changed when: so that gateways read evidence once and load often. */
export class NodeRoster {
    private readonly nodes = new Map<string, ConnectedNode>();
    /** Version of each node's last change, oldest first. */
    private readonly changedAt = new Map<string, number>();
    private readonly goneAt = new Map<string, number>();
    private readonly loadOf = new Map<string, LoadStamp>();
    private version = 0;
    private loadVersion = 0;
    /** Changes before this one are forgotten. */
    private oldest = 0;
    /** A dispatcher that starts again counts anew. */
    private readonly boot = randomBytes(6).toString('hex');

    get size(): number {
        return this.nodes.size;
    }

    /** Requests that wait for their node, of all of them. */
    get waiting(): number {
        let waiting = 0;
        for (const { queue } of this.nodes.values()) waiting += queue.waiting;
        return waiting;
    }

    get(id: string): ConnectedNode | undefined {
        return this.nodes.get(id);
    }

    all(): IterableIterator<ConnectedNode> {
        return this.nodes.values();
    }

    set(node: ConnectedNode): void {
        this.nodes.set(node.id, node);
        this.goneAt.delete(node.id);
        this.touch(node);
    }

    /** Its evidence, certificates or offer are new. */
    touch({ id }: ConnectedNode): void {
        if (!this.nodes.has(id)) return;
        this.changedAt.delete(id);
        this.changedAt.set(id, ++this.version);
    }

    delete({ id }: ConnectedNode): void {
        this.nodes.delete(id);
        this.changedAt.delete(id);
        this.loadOf.delete(id);
        this.goneAt.set(id, ++this.version);
        if (this.goneAt.size <= maxGone) return;
        const [first, at] = this.goneAt.entries().next().value!;
        this.goneAt.delete(first);
        this.oldest = at;
    }

    get tag(): string {
        return this.tagOf(this.version);
    }

    /** @param limit nodes at most; those whose last change is longest ago come first */
    changes(since?: string, limit = Infinity): RosterChanges {
        const read = this.readTag(since, this.version);
        const from = read === undefined || read < this.oldest ? undefined : read;
        const { keys, upTo } = this.changedSince(from ?? -1, limit);
        const more = upTo < this.version && keys.length === limit;
        const to = more ? upTo : this.version;
        return {
            version: this.tagOf(to),
            ...(from !== undefined && { since }),
            ...(more && { more }),
            nodes: keys.map((id) => this.nodes.get(id)!),
            gone: from === undefined ? [] : between(this.goneAt, from, to),
        };
    }

    private changedSince(from: number, limit: number): { keys: string[]; upTo: number } {
        const keys: string[] = [];
        let upTo = from;
        for (const [id, version] of this.changedAt) {
            if (version <= from) continue;
            if (keys.length === limit) break;
            keys.push(id);
            upTo = version;
        }
        return { keys, upTo };
    }

    /** Looks at every node, so ask at most a few times a second: the answer serves all gateways. */
    load(since?: string): LoadChanges {
        this.loadVersion += 1;
        for (const node of this.nodes.values()) this.stampLoad(node);
        const from = this.readTag(since, this.loadVersion);
        const version = this.tagOf(this.loadVersion);
        const rows = [...this.loadOf].filter(([, stamp]) => from === undefined || stamp.version > from);
        const load = Object.fromEntries(rows.map(([id, { row }]) => [id, row]));
        return { version, ...(from !== undefined && { since }), load };
    }

    private stampLoad(node: ConnectedNode): void {
        const row = node.loadRow();
        const known = this.loadOf.get(node.id);
        if (known !== undefined && row.every((value, index) => value === known.row[index])) return;
        this.loadOf.set(node.id, { row, version: this.loadVersion });
    }

    private tagOf(version: number): string {
        return `${this.boot}-${version}`;
    }

    private readTag(tag: string | undefined, newest: number): number | undefined {
        const [boot, version] = tag?.split('-') ?? [];
        if (boot !== this.boot || !/^\d{1,15}$/.test(version ?? '')) return undefined;
        return Number(version) <= newest ? Number(version) : undefined;
    }
}

function between(versions: ReadonlyMap<string, number>, from: number, to: number): string[] {
    return [...versions].flatMap(([id, version]) => (version > from && version <= to ? [id] : []));
}
