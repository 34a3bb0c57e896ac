import type { NodeRoster } from './node-roster';

export interface DirectoryOptions {
    network: Buffer;
    hub: Buffer;
    nodes: NodeRoster;
    replicaUrls: () => readonly string[];
    isDraining: () => boolean;
}

/** What of the directory a reader asks for. */
export interface DirectoryQuery {
    /** A `version` that the reader has: it gets what changed since, if that is still known. */
    since?: string;
    /** Nodes at most. */
    limit?: number;
}

const pieceBytes = 64 * 1024;

/** The nodes with their evidence, as gateways read them (docs/protocol.md). */
export class Directory {
    constructor(private readonly options: DirectoryOptions) {}

    /** Moves whenever the directory does, load aside. */
    get tag(): string {
        return this.options.nodes.tag;
    }

    /** Its JSON, piece by piece, each rendered when it is asked for: evidence of ten thousand nodes is large. */
    *json(query: DirectoryQuery): Generator<Buffer> {
        const { network, hub, nodes, replicaUrls, isDraining } = this.options;
        const { nodes: shown, ...changes } = nodes.changes(query.since, query.limit);
        const head = JSON.stringify({
            network: network.toString('hex'),
            hub: hub.toString('hex'),
            ...changes,
            replicas: replicaUrls(),
            draining: isDraining(),
        });
        let pieces: Buffer[] = [Buffer.from(`${head.slice(0, -1)},"nodes":[`)];
        let bytes = 0;
        for (const [index, node] of shown.entries()) {
            const row = node.directoryRow();
            if (index > 0) pieces.push(comma);
            pieces.push(row);
            bytes += row.length;
            if (bytes < pieceBytes) continue;
            yield Buffer.concat(pieces);
            [pieces, bytes] = [[], 0];
        }
        yield Buffer.concat([...pieces, end]);
    }

    /** One node's row; undefined where it is not connected. */
    row(nodeKey: string): Buffer | undefined {
        return this.options.nodes.get(nodeKey)?.directoryRow();
    }
}

const comma = Buffer.from(',');
const end = Buffer.from(']}');
