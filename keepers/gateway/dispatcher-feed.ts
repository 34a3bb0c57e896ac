import type { Address } from '@ton/core';
import type { DispatcherClient } from './dispatcher-client';
import { directorySchema, loadSchema, type NodeRow, nodeRowSchema } from './trusted-node';

export interface DispatcherPeer {
    client: DispatcherClient;
    hub: Address;
}

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
        const { client, hub } = this.peer;
        const answer = directorySchema.parse(await client.directory(this.version));
        if (answer.network !== this.network.toString('hex') || answer.hub !== hub.hash.toString('hex')) {
            throw new Error(`${client.url} serves another network or hub than its configuration says`);
        }
        const isPart = answer.since !== undefined && answer.since === this.version;
        const touched = new Set<string>(isPart ? answer.gone : [...this.rows.keys()]);
        if (isPart) for (const id of answer.gone) this.rows.delete(id);
        else this.rows.clear();
        for (const row of answer.nodes) {
            const parsed = nodeRowSchema.safeParse(row);
            if (!parsed.success) continue;
            this.rows.set(parsed.data.nodeKey, parsed.data);
            touched.add(parsed.data.nodeKey);
        }
        this.version = answer.version;
        this.replicas = answer.replicas;
        this.draining = answer.draining;
        return touched;
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
