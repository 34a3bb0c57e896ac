import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Address } from '@ton/core';
import { createDevelopmentPki, mintCollateral, createPlatform, startPcsServer } from '../../../keepers/attestation';
import type { PcsServer } from '../../../keepers/attestation';
import { readDeployment, writeDeployment } from '../../../keepers/chain';
import type { NodeVerdict } from '../../../keepers/cli/node-verdict';
import { runVerifyNode, type VerifyNodeOptions } from '../../../keepers/cli/verify-node-command';
import { createSimulatedGpus, simulatedGpuRoot } from '../../../keepers/devnet/simulated-gpus';
import { createSimulatedTee } from '../../../keepers/devnet/simulated-tee';
import { attestGpus } from '../../../keepers/node/gpu-source';
import { encodeKeyBundle, type KeyBundle, Registry, reportDataFor } from '../../../wrappers';

const pkiSeed = Buffer.alloc(32, 9);
const tee = createSimulatedTee({ pkiSeed, platform: 0, now: new Date() });
const pki = createDevelopmentPki({ seed: pkiSeed, now: new Date() });
const folder = mkdtempSync(path.join(tmpdir(), 'verify-node-'));
const deployment = path.join(folder, 'deployment.json');
const pinned = path.join(folder, 'pinned.json');
const account = (byte: number) => new Address(0, Buffer.alloc(32, byte));

/** What the server below answers, by path. */
const routes = new Map<string, unknown>();
let network: Buffer;
let server: Server;
let pcs: PcsServer;
let url: string;

beforeAll(async () => {
    const registryTerms = { owner: account(1), guardian: account(2), governanceDelaySec: 60, salt: 0 };
    const registry = (await Registry.createFromConfig({ kind: 'development', rootKey: tee.rootKey, ...registryTerms }))
        .address;
    network = registry.hash;
    const shared = { version: 1 as const, kind: 'development' as const, rootPublicKey: Buffer.from(tee.rootKey) };
    writeDeployment(deployment, { ...shared, registry, registryTerms, quoteVerifier: null, hubs: [] });
    const gpuRootPublicKey = Buffer.from(simulatedGpuRoot(pkiSeed));
    writeDeployment(pinned, { ...readDeployment(deployment), gpuRootPublicKey });
    server = createServer((request, response) => {
        const body = routes.get(request.url!) ?? routes.get(request.url!.split('?')[0]!);
        if (body === undefined) return response.writeHead(404).end();
        return response.writeHead(200).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    pcs = await startPcsServer({ pki });
});

afterAll(async () => {
    await pcs.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
});

beforeEach(() => routes.clear());

interface Row {
    nodeKey: string;
    bundle: string;
    quote: string;
    collateral: unknown;
}

async function row(byte: number, changes: Partial<KeyBundle> = {}): Promise<Row> {
    const bundle: KeyBundle = {
        network,
        provider: Buffer.alloc(32, 3),
        role: 1,
        suite: 1,
        signingKey: Buffer.alloc(32, byte),
        imageId: tee.imageId,
        modelRoot: Buffer.alloc(32, 4),
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: Buffer.alloc(32, 5),
        notAfter: Math.floor(Date.now() / 1000) + 3_600,
        ...changes,
    };
    return {
        nodeKey: Buffer.alloc(32, byte).toString('hex'),
        bundle: encodeKeyBundle(bundle).toString('base64'),
        quote: (await tee.quote(reportDataFor(bundle))).toString('base64'),
        collateral: null,
    };
}

function serveDirectory(...nodes: unknown[]): void {
    routes.set('/v1/directory', { network: network.toString('hex'), hub: '00'.repeat(32), nodes });
}

interface Judged {
    code: number;
    verdict: string;
    source: string;
    collateralFrom: string;
    nodes: NodeVerdict[];
}

async function judge(options: VerifyNodeOptions = {}): Promise<Judged> {
    const { output, exitCode } = await runVerifyNode(url, {
        deployment,
        collateralUrl: options.useServedCollateral ? undefined : pcs.url,
        ...options,
        json: true,
    });
    return { ...(JSON.parse(output) as Judged), code: exitCode };
}

const failures = ({ nodes }: Judged) => nodes.map(({ failedCheck }) => failedCheck);

describe('cocoon verify node', () => {
    it('accepts every node of a dispatcher’s directory by collateral that it fetches itself', async () => {
        serveDirectory(await row(1), await row(2));
        const judged = await judge();
        expect(judged).toMatchObject({ code: 0, verdict: 'accepted', source: 'dispatcher', collateralFrom: 'service' });
        expect(judged.nodes[0]).toMatchObject({
            nodeKey: '01'.repeat(32),
            status: 'UpToDate',
            imageId: tee.imageId.toString('hex'),
            modelRoot: '04'.repeat(32),
        });
        expect(judged.nodes).toHaveLength(2);
    });

    it('reads a gateway’s evidence, and only the node asked for', async () => {
        const [one, two] = [await row(1), await row(2)];
        routes.set('/cocoon/nodes', { nodes: [{ nodeKey: one.nodeKey }, { nodeKey: two.nodeKey }] });
        routes.set(`/cocoon/attestation/${two.nodeKey}`, { ...two, trusted: true });
        const judged = await judge({ node: two.nodeKey.toUpperCase() });
        expect(judged).toMatchObject({ code: 0, source: 'gateway', nodes: [{ nodeKey: two.nodeKey }] });
        // The first is listed, but no evidence of it is served.
        expect(failures(await judge())).toEqual(['evidence_malformed', null]);
    });

    it('reads a dispatcher’s directory page by page, and of one node its row alone', async () => {
        const [one, two] = [await row(1), await row(2)];
        const first = { network: network.toString('hex'), version: 'ab-1', more: true, nodes: [one] };
        routes.set('/v1/directory?limit=250', first);
        routes.set('/v1/directory?limit=250&since=ab-1', { ...first, more: undefined, nodes: [two] });
        expect((await judge()).nodes.map(({ nodeKey }) => nodeKey)).toEqual([one.nodeKey, two.nodeKey]);
        routes.clear();
        routes.set(`/v1/directory/nodes/${two.nodeKey}`, two);
        expect(await judge({ node: two.nodeKey })).toMatchObject({ code: 0, nodes: [{ nodeKey: two.nodeKey }] });
        await expect(judge({ node: one.nodeKey })).rejects.toThrow('neither a gateway nor a dispatcher');
        routes.set('/v1/info', {});
        await expect(judge({ node: one.nodeKey })).rejects.toThrow('serves evidence of no node');
    });

    it('rejects a quote that was not made for the key bundle beside it', async () => {
        const [honest, other] = [await row(1), await row(1, { modelRoot: Buffer.alloc(32, 6) })];
        serveDirectory({ ...honest, bundle: other.bundle });
        expect(await judge()).toMatchObject({ code: 1, nodes: [{ failedCheck: 'policy_report_data' }] });
    });

    it('says of each node what is wrong with it', async () => {
        serveDirectory(
            await row(1),
            await row(2, { signingKey: Buffer.alloc(32, 1) }),
            await row(3, { network: Buffer.alloc(32) }),
            await row(4, { notAfter: 1 }),
            await row(5, { imageId: Buffer.alloc(32) }),
            { ...(await row(6)), bundle: 'AAAA' },
            { nodeKey: 'x' },
            { ...(await row(7)), quote: Buffer.alloc(5_000).toString('base64') },
        );
        const judged = await judge();
        expect(judged).toMatchObject({ code: 1, verdict: 'rejected' });
        expect(failures(judged)).toEqual([
            null,
            'bundle_not_ours',
            'bundle_not_ours',
            'bundle_expired',
            'image_mismatch',
            'bundle_malformed',
            'evidence_malformed',
            'quote_version',
        ]);
    });

    it('trusts Intel’s root alone without a deployment, and a policy file’s rules with one', async () => {
        serveDirectory(await row(1));
        expect(failures(await judge({ deployment: undefined }))).toEqual(['pck_chain_root']);
        const policy = path.join(folder, 'policy.json');
        writeFileSync(policy, JSON.stringify({ models: ['04'.repeat(32)] }));
        expect(await judge({ policy })).toMatchObject({ code: 0 });
        writeFileSync(policy, JSON.stringify({ models: ['07'.repeat(32)] }));
        expect(failures(await judge({ policy }))).toEqual(['policy_model']);
    });

    it('names the options that a development network’s nodes are judged by', async () => {
        serveDirectory(await row(1));
        const { output } = await runVerifyNode(url, { collateralUrl: pcs.url });
        expect(output).toMatch(/what to do .*--deployment FILE --collateral-url URL/);
    });

    it('uses collateral served along only when told so', async () => {
        const served = {
            ...(await row(1)),
            collateral: mintCollateral(pki, createPlatform(pki, { name: 'platform-0' })),
        };
        serveDirectory(served);
        const asked = pcs.requests.length;
        expect(await judge({ useServedCollateral: true })).toMatchObject({ code: 0, collateralFrom: 'served' });
        expect(pcs.requests).toHaveLength(asked);
        serveDirectory({ ...served, collateral: {} });
        expect(failures(await judge({ useServedCollateral: true }))).toEqual(['evidence_malformed']);
        expect(await judge()).toMatchObject({ code: 0, collateralFrom: 'service' });
        serveDirectory(await row(1));
        expect(await judge({ useServedCollateral: true })).toMatchObject({
            code: 2,
            nodes: [{ failedCheck: 'collateral_unavailable' }],
        });
    });

    it('exits 2 where nothing could be judged', async () => {
        serveDirectory(await row(1));
        expect(await judge({ collateralUrl: 'http://127.0.0.1:1' })).toMatchObject({
            code: 2,
            nodes: [{ failedCheck: 'collateral_unavailable' }],
        });
        const unusable = expect.objectContaining({ code: 'evidence_unusable', action: 'fix' }) as Error;
        await expect(judge({ node: '09'.repeat(32) })).rejects.toEqual(unusable);
        for (const body of [{ nodes: [] }, {}, '[']) {
            routes.set('/v1/directory', body);
            await expect(judge()).rejects.toEqual(unusable);
        }
        routes.set('/v1/directory', ' '.repeat(65 * 1024 * 1024));
        await expect(judge()).rejects.toThrow('serves more than 67108864 bytes');
        routes.clear();
        await expect(judge()).rejects.toThrow('neither a gateway nor a dispatcher');
        await expect(runVerifyNode('http://127.0.0.1:1', {})).rejects.toEqual(unusable);
        const invalid = expect.objectContaining({ code: 'argument_invalid' }) as Error;
        await expect(runVerifyNode('file:///etc/passwd', {})).rejects.toEqual(invalid);
        await expect(runVerifyNode('nowhere', {})).rejects.toEqual(invalid);
        await expect(judge({ node: 'ab' })).rejects.toEqual(invalid);
        await expect(judge({ deployment: path.join(folder, 'missing') })).rejects.toMatchObject({
            code: 'deployment_invalid',
        });
    });

    describe('of a node with GPUs', () => {
        const gpus = createSimulatedGpus({ pkiSeed, platform: 0, count: 2 });

        /** A row whose bundle names the evidence that its GPUs made for it. */
        async function gpuRow(byte: number): Promise<Row & { gpuEvidence: unknown }> {
            const terms = { network, provider: Buffer.alloc(32, 3), suite: 1 as const };
            const key = { signingKey: Buffer.alloc(32, byte), mcRootHash: Buffer.alloc(32, 5) };
            const { document, digest } = await attestGpus(gpus, { ...terms, ...key });
            return { ...(await row(byte, { gpuEvidenceDigest: digest })), gpuEvidence: document };
        }

        it('judges them under the root that the deployment pins', async () => {
            serveDirectory(await gpuRow(1));
            expect(failures(await judge())).toEqual(['gpu_chain_root']);
            const judged = await judge({ deployment: pinned });
            expect(judged).toMatchObject({ code: 0, nodes: [{ gpu: { checks: { nonce: 'matched' } } }] });
            expect(judged.nodes[0]!.gpu!.gpus).toHaveLength(2);
            const { output } = await runVerifyNode(url, { deployment: pinned, collateralUrl: pcs.url });
            expect(output).toMatch(/GPU 1 +GH100, driver/);
        });

        it('rejects what is missing, of another node, or in developer mode', async () => {
            const [one, two] = [await gpuRow(1), await gpuRow(2)];
            serveDirectory({ ...one, gpuEvidence: undefined }, { ...one, gpuEvidence: two.gpuEvidence }, two);
            expect(failures(await judge({ deployment: pinned }))).toEqual([
                'gpu_evidence_missing',
                'gpu_evidence_digest',
                null,
            ]);
        });

        it('takes no deployment of a production network that names another root than NVIDIA’s', async () => {
            const file = path.join(folder, 'production.json');
            writeDeployment(file, { ...readDeployment(pinned), kind: 'production' });
            await expect(judge({ deployment: file })).rejects.toThrow('has the roots of NVIDIA and AMD, and no others');
        });
    });

    it('tells people where collateral came from and what each node is worth', async () => {
        serveDirectory(await row(1));
        const { output } = await runVerifyNode(url, { deployment, collateralUrl: pcs.url });
        expect(output).toMatch(/^served by +dispatcher\ncollateral +fetched\nroot +NOT Intel/);
        expect(output).toMatch(/^node +(01){32}\nverdict +accepted$/m);
    });
});
