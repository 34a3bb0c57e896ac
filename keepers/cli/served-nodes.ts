import { Agent, request } from 'undici';
import { z } from 'zod';
import { AttestationError } from '../attestation';
import { CocoonError, errorMessage } from '../base';

export interface ServedNodes {
    source: 'gateway' | 'dispatcher';
    /** As served, nothing of it checked. */
    rows: unknown[];
}

export interface ServedNodesOptions {
    /** Only this one, 32 bytes in hex. */
    nodeKey?: string;
    /** A gateway may ask for one. */
    apiKey?: string;
}

/** Of a dispatcher's directory in one answer. */
const pageNodes = 250;
const maxBodyBytes = 64 * 1024 * 1024;
/** More is no directory. */
const maxNodes = 20_000;
const deadlineMs = 30_000;

const nodesSchema = z.object({ nodes: z.array(z.object({ nodeKey: z.unknown() })).max(maxNodes) });
/** Of a page after which there are others. */
const moreSchema = z.object({ more: z.literal(true), version: z.string().regex(/^[0-9a-f]+-\d+$/) });
const nodeKeySchema = z.string().regex(/^[0-9a-f]{64}$/);

/** The evidence that a gateway (`/cocoon/nodes`) or else a dispatcher (`/v1/directory`) serves at this address. */
export async function fetchServedNodes(url: string, options: ServedNodesOptions = {}): Promise<ServedNodes> {
    const base = baseOf(url);
    const agent = new Agent({ connect: { timeout: 5_000 } });
    const get = (path: string) => getJson(`${base}${path}`, agent, options.apiKey);
    try {
        const nodes = await get('/cocoon/nodes');
        if (nodes !== null) return { source: 'gateway', rows: await gatewayRows(nodes, get, options.nodeKey) };
        return { source: 'dispatcher', rows: await dispatcherRows(url, get, options.nodeKey) };
    } finally {
        await agent.destroy();
    }
}

async function dispatcherRows(
    url: string,
    get: (path: string) => Promise<unknown>,
    nodeKey: string | undefined,
): Promise<unknown[]> {
    if (nodeKey === undefined) return allRows(url, get);
    // Of one node there is no need to read the evidence of all.
    const row = await get(`/v1/directory/nodes/${nodeKey}`);
    if (row === null && (await get('/v1/info')) === null) throw noDirectory(url);
    return row === null ? [] : [row];
}

/** Page by page, as gateways read it. */
async function allRows(url: string, get: (path: string) => Promise<unknown>): Promise<unknown[]> {
    let rows: { nodeKey: unknown }[] = [];
    for (let since = ''; ;) {
        const page = await get(`/v1/directory?limit=${pageNodes}${since}`);
        if (page === null) throw noDirectory(url);
        const read = rowsOf(page);
        // What changed between two pages comes again.
        const newer = new Set(read.map(({ nodeKey }) => nodeKey));
        rows = [...rows.filter(({ nodeKey }) => !newer.has(nodeKey)), ...read];
        const more = moreSchema.safeParse(page);
        if (!more.success) return rows;
        if (read.length === 0 || rows.length > maxNodes) throw unusable(`${url} serves a directory without an end`);
        since = `&since=${more.data.version}`;
    }
}

function noDirectory(url: string): AttestationError {
    return unusable(`${url} is neither a gateway nor a dispatcher: it serves no directory`);
}

async function gatewayRows(
    listed: unknown,
    get: (path: string) => Promise<unknown>,
    nodeKey: string | undefined,
): Promise<unknown[]> {
    const rows: unknown[] = [];
    for (const row of rowsOf(listed).filter((candidate) => isAsked(candidate, nodeKey))) {
        const key = nodeKeySchema.safeParse(row.nodeKey);
        // A node that left since it was listed has nothing to judge; it is then a row without evidence.
        rows.push(key.success ? ((await get(`/cocoon/attestation/${key.data}`)) ?? row) : row);
    }
    return rows;
}

function rowsOf(json: unknown): { nodeKey: unknown }[] {
    const parsed = nodesSchema.safeParse(json);
    if (parsed.success) return (json as { nodes: { nodeKey: unknown }[] }).nodes;
    throw unusable('what is served there is no list of nodes');
}

function isAsked(row: { nodeKey: unknown }, nodeKey: string | undefined): boolean {
    return nodeKey === undefined || row.nodeKey === nodeKey;
}

function baseOf(url: string): string {
    const { protocol, origin, pathname } = new URL(URL.canParse(url) ? url : 'none:');
    if (/^https?:$/.test(protocol)) return `${origin}${pathname}`.replace(/\/+$/, '');
    throw new CocoonError('argument_invalid', `${url} is not the address of a gateway or dispatcher`, {
        action: 'fix',
    });
}

/** Null where nothing is served at the path. */
async function getJson(url: string, dispatcher: Agent, apiKey: string | undefined): Promise<unknown> {
    try {
        const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
        const answer = await request(url, { dispatcher, headers, signal: AbortSignal.timeout(deadlineMs) });
        if (answer.statusCode === 404) return null;
        if (answer.statusCode !== 200) throw unusable(`${url} answers ${answer.statusCode}`);
        return JSON.parse(await readText(answer.body, url)) as unknown;
    } catch (error) {
        if (error instanceof CocoonError) throw error;
        throw unusable(`${url} cannot be read: ${errorMessage(error)}`, error);
    }
}

async function readText(body: AsyncIterable<Buffer>, url: string): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body) {
        length += chunk.length;
        if (length > maxBodyBytes) throw unusable(`${url} serves more than ${maxBodyBytes} bytes`);
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}

function unusable(message: string, cause?: unknown): AttestationError {
    return new AttestationError('evidence_unusable', message, cause);
}
