import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Address } from '@ton/core';
import { type KdsServer, startKdsServer } from '../../../keepers/attestation';
import { readPinnedDeployment, writeDeployment } from '../../../keepers/chain';
import type { NodeVerdict } from '../../../keepers/cli/node-verdict';
import { runVerifyNode, type VerifyNodeOptions } from '../../../keepers/cli/verify-node-command';
import { createSimulatedSnp, simulatedSnpRootKeyHash } from '../../../keepers/devnet/simulated-snp';
import { encodeKeyBundle, type KeyBundle, Registry, reportDataFor } from '../../../wrappers';

const pkiSeed = Buffer.alloc(32, 9);
const tee = createSimulatedSnp({ pkiSeed, platform: 0, now: new Date() });
const folder = mkdtempSync(path.join(tmpdir(), 'verify-node-snp-'));
const account = (byte: number) => new Address(0, Buffer.alloc(32, byte));
const rootPublicKey = Buffer.alloc(64, 1);
const registryTerms = { owner: account(1), guardian: account(2), governanceDelaySec: 60, salt: 0 };

let network: Buffer;
let directory: unknown;
let server: Server;
let kds: KdsServer;
let url: string;

async function deploymentOf(kind: 'development' | 'production'): Promise<string> {
    const file = path.join(folder, `${kind}.json`);
    const { address: registry } = await Registry.createFromConfig({ kind, rootKey: rootPublicKey, ...registryTerms });
    const roots = { rootPublicKey, snpRootKeyHash: Buffer.from(simulatedSnpRootKeyHash(pkiSeed)) };
    writeDeployment(file, { version: 1, kind, ...roots, registry, registryTerms, quoteVerifier: null, hubs: [] });
    return file;
}

beforeAll(async () => {
    network = (await readPinnedDeployment(await deploymentOf('development'))).registry.hash;
    server = createServer((request, response) =>
        request.url!.startsWith('/v1/directory')
            ? response.writeHead(200).end(JSON.stringify({ nodes: [directory] }))
            : response.writeHead(404).end(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    kds = await startKdsServer({ seed: pkiSeed });
});

afterAll(async () => {
    await kds.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
});

async function rowOf(changes: Partial<KeyBundle> = {}): Promise<object> {
    const bundle: KeyBundle = {
        network,
        provider: Buffer.alloc(32, 3),
        role: 1,
        suite: 1,
        signingKey: Buffer.alloc(32, 1),
        imageId: tee.imageId,
        modelRoot: Buffer.alloc(32, 4),
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: Buffer.alloc(32, 5),
        notAfter: Math.floor(Date.now() / 1000) + 3_600,
        ...changes,
    };
    const report = await tee.quote(reportDataFor(bundle));
    const { vek, chain } = await tee.certificatesOf(report);
    return {
        nodeKey: bundle.signingKey.toString('hex'),
        bundle: encodeKeyBundle(bundle).toString('base64'),
        quote: report.toString('base64'),
        snp: { vek: vek.toString('base64'), chain },
        collateral: null,
    };
}

async function judge(options: VerifyNodeOptions = {}): Promise<{ code: number; node: NodeVerdict }> {
    const deployment = await deploymentOf('development');
    const { output, exitCode } = await runVerifyNode(url, { deployment, kdsUrl: kds.url, ...options, json: true });
    return { code: exitCode, node: (JSON.parse(output) as { nodes: [NodeVerdict] }).nodes[0] };
}

describe('cocoon verify node, for nodes in SEV-SNP guests', () => {
    it('accepts a report made for the bundle, under the root that the deployment pins', async () => {
        directory = await rowOf();
        expect(await judge()).toMatchObject({
            code: 0,
            node: { kind: 'snp', verdict: 'accepted', product: 'Milan', modelRoot: '04'.repeat(32) },
        });
        expect(kds.requests).toEqual(['/vcek/v1/Milan/crl']);
    });

    it('refuses under AMD’s roots, for another bundle, and for an image that the bundle does not name', async () => {
        directory = await rowOf();
        expect(await judge({ deployment: undefined })).toMatchObject({
            code: 1,
            node: { failedCheck: 'vek_chain_root' },
        });
        const other = await rowOf({ mcSeqno: 2 });
        directory = { ...(await rowOf()), quote: (other as { quote: string }).quote };
        expect((await judge()).node.failedCheck).toBe('policy_report_data');
        directory = await rowOf({ imageId: Buffer.alloc(32, 8) });
        expect((await judge()).node.failedCheck).toBe('image_mismatch');
    });

    it('takes a policy of its own, and a list that is served along only when told so', async () => {
        directory = await rowOf();
        const snpPolicy = path.join(folder, 'policy.json');
        writeFileSync(snpPolicy, JSON.stringify({ minTcb: { Milan: { snp: 250 } } }));
        expect((await judge({ snpPolicy })).node.failedCheck).toBe('policy_tcb');
        expect(await judge({ useServedCollateral: true })).toMatchObject({
            code: 2,
            node: { failedCheck: 'collateral_unavailable' },
        });
        const list = await fetch(`${kds.url}/vcek/v1/Milan/crl`);
        const crl = Buffer.from(await list.arrayBuffer()).toString('base64');
        directory = { ...(await rowOf()), collateral: { crl } };
        expect(await judge({ useServedCollateral: true })).toMatchObject({ code: 0 });
    });

    it('tells people what was checked', async () => {
        directory = await rowOf();
        const deployment = await deploymentOf('development');
        const { output } = await runVerifyNode(url, { deployment, kdsUrl: kds.url });
        expect(output).toMatch(/^node +(01){32}\nverdict +accepted\nproduct +Milan\nsigned by +VCEK$/m);
    });

    it('takes no deployment of a production network that names a root of its own', async () => {
        await expect(judge({ deployment: await deploymentOf('production') })).rejects.toMatchObject({
            code: 'deployment_invalid',
        });
    });
});
