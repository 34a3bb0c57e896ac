import { Address } from '@ton/core';
import { performance } from 'node:perf_hooks';
import { silentLogger, systemClock } from '../../../keepers/base';
import { chooseFrom } from '../../../keepers/gateway/choice';
import type { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import type { NetworkView } from '../../../keepers/gateway/network-view';
import { NodeDirectory } from '../../../keepers/gateway/node-directory';
import { NodePicker } from '../../../keepers/gateway/node-picker';
import type { Checked, NodeVerifier } from '../../../keepers/gateway/node-verifier';
import type { RequestShape } from '../../../keepers/gateway/request-shape';
import type { NodeRow, TrustedNode } from '../../../keepers/gateway/trusted-node';
import { seededRandom } from '../../keepers/gateway/seeded-random';
import { quantile, rounded } from './quantiles';
import { nodeCount } from './size';

export interface PickFigures {
    pickNodes: number;
    pickP50Micros: number;
    pickP99Micros: number;
    /** Of the index, once for each change of the directory. */
    indexMs: number;
}

const picks = 50_000;
const warmUp = 5_000;
const models = 8;
const capability = 'chat.completions';

/**
 * Picks among 10 000 nodes as a gateway does for each request: any price ceiling, up to two nodes tried before, two thirds
 * in conversations; nodes of many sizes on 4 000 machines, 40 of the nodes avoided a moment ago.
 */
export async function measurePick(): Promise<PickFigures> {
    const random = seededRandom(1);
    const directory = await directoryOf(random);
    const startedMs = performance.now();
    await directory.refresh();
    const indexMs = performance.now() - startedMs;
    for (let index = 0; index < 40; index++) directory.avoid(idOf(index * 7), 'frame_invalid');
    const picker = new NodePicker(random);
    const took: number[] = [];
    for (let pick = -warmUp; pick < picks; pick++) {
        const shape = shapeOf(random);
        const tried = new Set(pick % 5 === 0 ? [idOf(pick % 97), idOf(pick % 89)] : []);
        const maxOutputPriceNano = pick % 3 === 0 ? BigInt(200 + Math.floor(random() * 800)) : undefined;
        const before = performance.now();
        const choice = chooseFrom(directory, shape, { nodeId: undefined, maxOutputPriceNano });
        const node = picker.pick(choice, ({ id }) => tried.has(id));
        if (node !== undefined) picker.served(choice, node);
        if (pick >= 0) took.push((performance.now() - before) * 1_000);
        if (node === undefined || tried.has(node.id)) throw new Error('the pick is wrong');
    }
    return {
        pickNodes: nodeCount,
        pickP50Micros: rounded(quantile(took, 0.5), 2),
        pickP99Micros: rounded(quantile(took, 0.99), 2),
        indexMs: rounded(indexMs),
    };
}

const idOf = (index: number) => index.toString(16).padStart(64, '0');

function shapeOf(random: () => number): RequestShape {
    const number = Math.floor(random() * 20_000);
    return {
        model: `model ${number % models}`,
        stream: false,
        conversation: number % 3 === 0 ? undefined : `conversation ${number}`,
        inner: { method: 'POST', path: '/v1/chat/completions', headers: {}, body: Buffer.alloc(0) },
        work: { capability } as RequestShape['work'],
    };
}

async function directoryOf(random: () => number): Promise<NodeDirectory> {
    const hub = new Address(0, Buffer.alloc(32, 1));
    const network = Buffer.alloc(32, 2);
    const rows = Array.from({ length: nodeCount }, (_unused, index) => rowOf(index, random));
    const answer = { network: network.toString('hex'), hub: hub.hash.toString('hex'), nodes: rows };
    const client = { url: 'http://dispatcher', directory: async () => answer };
    const verifier = { check: async (row: NodeRow) => checkedOf(row, random) };
    return new NodeDirectory({
        network,
        peers: () => [{ client: client as unknown as DispatcherClient, hub }],
        view: { refresh: async () => undefined } as unknown as NetworkView,
        verifier: verifier as unknown as NodeVerifier,
        pollIntervalMs: 1_000,
        clock: systemClock,
        logger: silentLogger(),
    });
}

function rowOf(index: number, random: () => number): NodeRow {
    const maxConcurrency = 1 + Math.floor(random() * 128);
    return {
        nodeKey: idOf(index),
        bundle: '',
        quote: '',
        kemCertificates: [''],
        offer: '',
        load: {
            inFlight: Math.floor(random() * maxConcurrency),
            queued: 0,
            maxConcurrency,
            firstFrameMsP50: 20 + random() * 2_000,
            failureShare: random() < 0.05 ? random() : 0,
        },
    };
}

/** Eight models, two at each node, a thousand prices. */
function checkedOf(row: NodeRow, random: () => number): Checked {
    const first = Math.floor(random() * models);
    const offered = [first, (first + 1) % models].map((number) => ({
        model: `model ${number}`,
        capabilities: [capability],
        outputNano: BigInt(100 + Math.floor(random() * 1_000)),
    }));
    const trusted = {
        id: row.nodeKey,
        dispatcherUrl: 'http://dispatcher',
        verdict: { platformId: `platform ${Math.floor(random() * 4_000)}` },
        offer: { maxConcurrency: row.load.maxConcurrency, models: offered },
        load: row.load,
        checkedAtMs: systemClock.monotonicMs(),
    } as unknown as TrustedNode;
    const evidence = { ...row, trusted: true, refusal: null };
    return { trusted, evidence } as unknown as Checked;
}
