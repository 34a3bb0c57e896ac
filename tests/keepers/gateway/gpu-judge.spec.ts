import {
    createGpu,
    createGpuPki,
    createNrasSigner,
    type GpuDocument,
    gpuEvidenceDigest,
    gpuNonceFor,
    mintGpuDocument,
    mintNrasToken,
    NrasClient,
    nrasKeysOf,
    startNrasServer,
    verifyGpuEvidence,
} from '../../../keepers/attestation';
import type { MintGpuOptions } from '../../../keepers/attestation/gpu';
import { ManualClock } from '../../../keepers/base';
import { GpuJudge, type GpuJudgeOptions } from '../../../keepers/gateway/gpu-judge';
import type { KeyBundle } from '../../../wrappers';
import { bytesOf } from '../confidential/exchange';
import { network, node, nowMs } from '../dispatch/sealed-request';

const now = new Date(nowMs);
const seed = Buffer.alloc(32, 5);
const pki = createGpuPki({ seed, now });
const gpus = [createGpu(pki, { name: 'a' }), createGpu(pki, { name: 'b' })];

const unattested: KeyBundle = {
    network,
    provider: bytesOf('provider'),
    role: 1,
    suite: 1,
    signingKey: node.publicKey,
    imageId: bytesOf('image'),
    modelRoot: bytesOf('model'),
    gpuEvidenceDigest: Buffer.alloc(32),
    mcSeqno: 1,
    mcRootHash: bytesOf('block'),
    notAfter: nowMs / 1000 + 86_400,
};

/** A bundle and the evidence that it names, which the GPUs made for it unless told otherwise. */
function host(changes: Partial<MintGpuOptions> = {}, make = (document: GpuDocument) => document) {
    const document = make(mintGpuDocument(gpus, { nonce: gpuNonceFor(unattested), ...changes }));
    return { bundle: { ...unattested, gpuEvidenceDigest: gpuEvidenceDigest(document) }, document };
}

function judgeWith(options: Partial<GpuJudgeOptions> = {}) {
    const clock = new ManualClock(nowMs);
    return { clock, judge: new GpuJudge({ rootPublicKey: pki.rootPublicKey, minCount: 0, clock, ...options }) };
}

const codeOf = async ({ bundle, document }: ReturnType<typeof host>, options: Partial<GpuJudgeOptions> = {}) =>
    (await judgeWith(options).judge.judge(bundle, document))!.failedCheck;

describe('the GPUs of a node', () => {
    it('are believed where their evidence was made for its key bundle', async () => {
        const { bundle, document } = host();
        const verdict = await judgeWith({ minCount: 2 }).judge.judge(bundle, document);
        expect(verdict).toMatchObject({ verdict: 'accepted', checks: { nonce: 'matched', mode: 'stated' } });
        expect(verdict!.gpus).toHaveLength(2);
    });

    it('are none where the bundle names none, whatever is shown', async () => {
        const { document } = host();
        expect(await judgeWith().judge.judge(unattested, document)).toBeNull();
        await expect(judgeWith({ minCount: 1 }).judge.judge(unattested, document)).rejects.toMatchObject({
            code: 'gpu_required',
        });
    });

    it('must be shown where the bundle names them', async () => {
        for (const shown of [undefined, null]) {
            await expect(judgeWith().judge.judge(host().bundle, shown)).rejects.toMatchObject({
                code: 'gpu_evidence_missing',
            });
        }
    });

    const elsewhere = gpuNonceFor({ ...unattested, provider: bytesOf('another host') });
    it.each<[string, string, () => ReturnType<typeof host>]>([
        ['evidence of another host', 'gpu_nonce', () => host({ nonce: elsewhere })],
        [
            'evidence that the bundle does not name',
            'gpu_evidence_digest',
            () => ({ ...host(), document: host({ driverVersion: '1.0' }).document }),
        ],
        ['what is no evidence', 'gpu_evidence_format', () => ({ ...host(), document: [{}] as never })],
        ['one GPU counted twice', 'gpu_repeated', () => host({}, ([one]) => [one!, one!])],
        ['confidential mode off', 'gpu_cc_off', () => host({ ccMode: 'off' })],
        ['confidential mode unstated', 'policy_gpu_mode', () => host({ ccMode: null })],
        ['developer mode on', 'gpu_dev_tools', () => host({ devTools: 'on' })],
        [
            'GPUs of another root',
            'gpu_chain_root',
            () =>
                host({}, () =>
                    mintGpuDocument([createGpu(createGpuPki({ seed: Buffer.alloc(32, 6), now }))], {
                        nonce: gpuNonceFor(unattested),
                    }),
                ),
        ],
    ])('are refused for %s', async (_, code, made) => {
        expect(await codeOf(made())).toBe(code);
    });

    it('are refused where they are fewer than the gateway asks for', async () => {
        expect(await codeOf(host(), { minCount: 3 })).toBe('policy_gpu_count');
    });

    it('have another nonce for every part of the bundle that it is made of', () => {
        const changes: Partial<KeyBundle>[] = [
            { network: bytesOf('x') },
            { provider: bytesOf('x') },
            { suite: 2 },
            { signingKey: bytesOf('x') },
            { mcRootHash: bytesOf('x') },
        ];
        const nonces = [unattested, ...changes.map((change) => ({ ...unattested, ...change }))].map((bundle) =>
            gpuNonceFor(bundle).toString('hex'),
        );
        expect(new Set(nonces).size).toBe(nonces.length);
        expect(gpuNonceFor(host().bundle)).toEqual(gpuNonceFor(unattested));
    });
});

describe('with an attestation service', () => {
    const running: { close(): Promise<void> }[] = [];
    afterEach(() => Promise.all(running.splice(0).map((server) => server.close())));

    async function service(revokedUeids: string[] = []) {
        const clock = new ManualClock(nowMs);
        const server = await startNrasServer({ seed, rootPublicKey: pki.rootPublicKey, clock, revokedUeids });
        running.push(server);
        return { server, nras: { client: new NrasClient({ url: server.url }), issuer: server.issuer } };
    }

    /** A service that answers with tokens other than it should. */
    function answering(changes: Partial<Parameters<typeof mintNrasToken>[0]>) {
        const signer = createNrasSigner(seed, 'https://nras.example');
        const { bundle, document } = host();
        const nonce = gpuNonceFor(bundle);
        const { gpus: facts } = verifyGpuEvidence(document, { at: now, rootPublicKey: pki.rootPublicKey });
        const findings = facts.map((one) => ({ facts: one, measurementsMatch: true, isRevoked: false }));
        const token = mintNrasToken({ signer, nonce, at: now, gpus: findings, ...changes });
        const client = { attest: async () => token, keys: async () => nrasKeysOf(signer) } as unknown as NrasClient;
        return { nras: { client, issuer: 'https://nras.example' } };
    }

    it('they are believed only with its word, asked once for as long as it holds', async () => {
        const { server, nras } = await service();
        const { judge, clock } = judgeWith({ nras });
        const { bundle, document } = host();
        for (let round = 0; round < 3; round++) {
            expect(await judge.judge(bundle, document)).toMatchObject({
                verdict: 'accepted',
                checks: { revocation: 'nras', measurements: 'nras' },
            });
        }
        expect(server.requests).toHaveLength(2);
        clock.advance(10 * 60_000);
        await judge.judge(bundle, document);
        expect(server.requests).toHaveLength(4);
    });

    it('what is not named by the bundle is refused, also where the named one was believed', async () => {
        const { nras } = await service();
        const { judge } = judgeWith({ nras });
        const { bundle, document } = host();
        await judge.judge(bundle, document);
        expect((await judge.judge(bundle, host({ driverVersion: '1.0' }).document))!.failedCheck).toBe(
            'gpu_evidence_digest',
        );
    });

    it('a GPU whose certificate is on hold is refused', async () => {
        const { document } = host();
        const [facts] = verifyGpuEvidence(document, { at: now, rootPublicKey: pki.rootPublicKey }).gpus;
        expect(await codeOf(host(), await service([facts!.ueid]))).toBe('nras_revoked');
    });

    it('a service out of reach leaves the node unjudged, and is not asked again at once', async () => {
        const { server, nras } = await service();
        await server.close();
        running.pop();
        const attest = jest.spyOn(nras.client, 'attest');
        const { judge, clock } = judgeWith({ nras });
        const { bundle, document } = host();
        for (let round = 0; round < 3; round++) {
            await expect(judge.judge(bundle, document)).rejects.toMatchObject({ code: 'nras_unavailable' });
        }
        expect(attest).toHaveBeenCalledTimes(1);
        clock.advance(30_000);
        await expect(judge.judge(bundle, document)).rejects.toMatchObject({ code: 'nras_unavailable' });
        expect(attest).toHaveBeenCalledTimes(2);
    });

    const foreign = createNrasSigner(Buffer.alloc(32, 9), 'https://nras.example');
    it.each<[string, string, Parameters<typeof answering>[0]]>([
        ['expired', 'nras_dates', { at: new Date(nowMs - 3600_000) }],
        ['of a foreign issuer', 'nras_issuer', { signer: createNrasSigner(seed, 'https://elsewhere.example') }],
        ['by a foreign key', 'nras_signature', { signer: foreign }],
        ['unsigned', 'nras_algorithm', { changes: { header: { alg: 'none' }, sign: () => Buffer.alloc(0) } }],
        ['of another nonce', 'nras_nonce', { nonce: bytesOf('x') }],
        [
            'whose digests do not match',
            'nras_digest',
            { changes: { tokens: (t) => ({ 'GPU-0': t['GPU-1']!, 'GPU-1': t['GPU-0']! }) } },
        ],
    ])('tokens that are %s are refused', async (_, code, changes) => {
        expect(await codeOf(host(), answering(changes))).toBe(code);
    });
});
