import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGpu, createGpuPki, gpuEvidenceDigest, gpuNonceFor, mintGpuDocument } from '../../../keepers/attestation';
import {
    attestGpus,
    commandGpuSource,
    type GpuSource,
    type NodeGpus,
    urlGpuSource,
} from '../../../keepers/node/gpu-source';
import { createSimulatedGpus } from '../../../keepers/devnet/simulated-gpus';
import { bytesOf } from '../confidential/exchange';
import { network } from '../dispatch/sealed-request';

const pkiSeed = Buffer.alloc(32, 8);
const pki = createGpuPki({ seed: pkiSeed, now: new Date() });
const bundle = {
    network,
    provider: bytesOf('provider'),
    suite: 1 as const,
    signingKey: bytesOf('key'),
    mcRootHash: bytesOf('block'),
};
const nonce = gpuNonceFor(bundle);

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.closeAllConnections() ?? server.close()));

async function listen(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/evidence`;
}

/** Runs a line of JavaScript as the program that yields evidence; its argument is the nonce. */
const script = (text: string, timeoutMs = 10_000) => commandGpuSource([process.execPath, '-e', text, '--'], timeoutMs);
const unavailable = { code: 'gpu_unavailable', action: 'retry' };

describe('GPU evidence of a program', () => {
    it('is what it prints for the nonce in its last argument', async () => {
        const source = script('console.log(JSON.stringify([process.argv.at(-1)]))');
        expect(await source.evidence(nonce)).toEqual([nonce.toString('hex')]);
    });

    it.each([
        ['fails', 'process.exit(3)'],
        ['prints no JSON', 'console.log("no")'],
        ['prints no list', 'console.log("{}")'],
        ['prints without end', 'for (;;) console.log("x".repeat(65536))'],
        ['does not end', 'setInterval(() => 0, 1000)'],
    ])('is none where it %s', async (_, text) => {
        await expect(script(text, 1_000).evidence(nonce)).rejects.toMatchObject(unavailable);
    });

    it('is none where there is no such program', async () => {
        await expect(commandGpuSource(['/no/such/program'], 1_000).evidence(nonce)).rejects.toMatchObject(unavailable);
    });
});

describe('GPU evidence of an agent', () => {
    it('is what it answers for the nonce in its query', async () => {
        const url = await listen((request, response) => response.end(JSON.stringify([request.url])));
        expect(await urlGpuSource(url, 5_000).evidence(nonce)).toEqual([`/evidence?nonce=${nonce.toString('hex')}`]);
    });

    const listeners: [string, RequestListener][] = [
        ['refuses', (_, response) => response.writeHead(500).end('[]')],
        ['answers no JSON', (_, response) => response.end('no')],
        ['answers without end', (_, response) => response.end('x'.repeat(2 * 1024 * 1024))],
        ['is silent', () => undefined],
    ];
    it.each(listeners)('is none where it %s', async (_, listener) => {
        const url = await listen(listener);
        await expect(urlGpuSource(url, 500).evidence(nonce)).rejects.toMatchObject(unavailable);
    });
});

describe('a node', () => {
    const of = (source: GpuSource, count = 1): NodeGpus => ({ source, count, rootPublicKey: pki.rootPublicKey });
    const minted = (changes: object = {}): GpuSource => ({
        evidence: async (asked) => mintGpuDocument([createGpu(pki)], { nonce: asked, ...changes }),
    });

    it('names in its bundle the evidence that its GPUs made for that bundle', async () => {
        const { document, digest } = await attestGpus(of(minted()), bundle);
        expect(document[0]!.nonce).toBe(nonce.toString('hex'));
        expect(digest).toEqual(gpuEvidenceDigest(document));
    });

    it.each<[string, NodeGpus]>([
        ['of another nonce', of(minted({ nonce: bytesOf('another') }))],
        ['with confidential mode off', of(minted({ ccMode: 'off' }))],
        ['in developer mode', of(minted({ devTools: 'on' }))],
        ['whose mode nobody states', of(minted({ ccMode: null }))],
        ['of which one is missing', of(minted(), 2)],
        ['of another root', { source: minted(), count: 1 }],
    ])('takes no GPU %s', async (_, gpus) => {
        await expect(attestGpus(gpus, bundle)).rejects.toMatchObject({ code: 'gpu_rejected', action: 'fix' });
    });

    it('of a development network has as many GPUs as it declares, others than its neighbour', async () => {
        const [first, second] = [1, 2].map((platform) => createSimulatedGpus({ pkiSeed, platform, count: 2 }));
        const [one, other] = [await attestGpus(first!, bundle), await attestGpus(second!, bundle)];
        expect(one.document).toHaveLength(2);
        expect(one.digest).not.toEqual(other.digest);
    });
});
