import type { Address } from '@ton/core';
import type { z } from 'zod';
import type { DispatcherClient } from './dispatcher-client';
import { sizeOf } from './row-size';
import { directorySchema, loadSchema, maxNodes, type NodeRow, nodeRowSchema } from './trusted-node';

type DirectoryPage = Omit<z.output<typeof directorySchema>, 'nodes'> & { nodes: NodeRow[] };

export interface DispatcherPeer {
    client: DispatcherClient;
    hub: Address;
}

/** Of all its nodes together, however many parts they came in. */
const maxRowsBytes = 128 * 1024 * 1024;
const idChars = 64;

/** What one dispatcher says of its nodes: read whole once, then what changed. Nothing of it is believed yet. */
export class DispatcherFeed {
    /** By node key in hex. */
    private readonly rows = new Map<string, NodeRow>();
    /** URLs of the other replicas of this dispatcher, as it names them. */
    replicas: readonly string[] = [];
    draining = false;
    private version: string | undefined;
    private loadVersion: string | undefined;

    constructor(
        readonly peer: DispatcherPeer,
        private readonly network: Buffer,
    ) {}

    get all(): ReadonlyMap<string, NodeRow> {
        return this.rows;
    }

    /** @returns keys of the nodes whose rows are new or have gone */
    async refresh(): Promise<Set<string>> {
        const touched = new Set<string>();
        // All or nothing: what a page changed would be forgotten if the next one failed.
        for (const page of await this.readPages()) this.apply(page, touched);
        if (touched.size > 0) this.requireBounded();
        return touched;
    }

    /** @throws when it names more than any dispatcher may; then it is read anew, and trusted with nothing until that holds */
    private requireBounded(): void {
        let bytes = 0;
        for (const row of this.rows.values()) bytes += sizeOf(row);
        if (this.rows.size <= maxNodes && bytes <= maxRowsBytes) return;
        this.rows.clear();
        this.version = undefined;
        throw new Error(`${this.peer.client.url} names more nodes than a dispatcher may`);
    }

    private async readPages(): Promise<DirectoryPage[]> {
        const { client, hub } = this.peer;
        const pages: DirectoryPage[] = [];
        let rows = 0;
        let bytes = 0;
        for (let version = this.version; ; version = pages.at(-1)!.version) {
            const page = directorySchema.parse(await client.directory(version));
            rows += page.nodes.length;
            if (page.network !== this.network.toString('hex') || page.hub !== hub.hash.toString('hex'))
                throw new Error(`${client.url} serves another network or hub than its configuration says`);
            // Only what will be kept is held until the last page is here.
            const nodes = page.nodes.flatMap((row) => nodeRowSchema.safeParse(row).data ?? []);
            pages.push({ ...page, nodes });
            bytes += page.gone.length * idChars + nodes.reduce((sum, row) => sum + sizeOf(row), 0);
            if (bytes > maxRowsBytes) throw new Error(`${client.url} names more nodes than a dispatcher may`);
            if (!page.more) return pages;
            if (page.nodes.length === 0 || rows > maxNodes)
                throw new Error(`${client.url} serves a directory without an end`);
        }
    }

    private apply(page: DirectoryPage, touched: Set<string>): void {
        const isPart = page.since !== undefined && page.since === this.version;
        for (const id of isPart ? page.gone : this.rows.keys()) touched.add(id);
        if (isPart) for (const id of page.gone) this.rows.delete(id);
        else this.rows.clear();
        for (const row of page.nodes) {
            this.rows.set(row.nodeKey, row);
            touched.add(row.nodeKey);
        }
        this.version = page.version;
        this.replicas = page.replicas;
        this.draining = page.draining;
    }

    /** Brings the rows' loads up to date. @returns keys of the nodes whose load is another */
    async refreshLoad(): Promise<string[]> {
        const answer = loadSchema.parse(await this.peer.client.load(this.loadVersion));
        this.loadVersion = answer.version;
        const changed: string[] = [];
        for (const [id, [inFlight, queued, maxConcurrency, firstFrameMsP50, failureShare]] of Object.entries(
            answer.load,
        )) {
            const row = this.rows.get(id);
            if (row === undefined) continue;
            row.load = { inFlight, queued, maxConcurrency, firstFrameMsP50, failureShare };
            changed.push(id);
        }
        return changed;
    }
}
