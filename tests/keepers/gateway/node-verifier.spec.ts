import { Address } from '@ton/core';
import {
    type Collateral,
    createDevelopmentPki,
    createGpu,
    createGpuPki,
    gpuEvidenceDigest,
    gpuNonceFor,
    mintGpuDocument,
    nvidiaRootPublicKey,
    createPlatform,
    mintTdxQuote,
    type MintedEvidence,
} from '../../../keepers/attestation';
import { ManualClock, silentLogger } from '../../../keepers/base';
import { issueOffer } from '../../../keepers/confidential';
import { simulatedMeasurements, createSimulatedTee } from '../../../keepers/devnet/simulated-tee';
import type { DispatcherClient } from '../../../keepers/gateway/dispatcher-client';
import { GpuJudge, type GpuJudgeOptions } from '../../../keepers/gateway/gpu-judge';
import type { NetworkView, RegistryView } from '../../../keepers/gateway/network-view';
import { NodeDirectory } from '../../../keepers/gateway/node-directory';
import { NodeVerifier } from '../../../keepers/gateway/node-verifier';
import type { NodeRow } from '../../../keepers/gateway/trusted-node';
import { encodeKeyBundle, type KeyBundle, reportDataFor } from '../../../wrappers';
import { bytesOf, offerFields, stranger } from '../confidential/exchange';
import { keyringOf, network, node, nowMs } from '../dispatch/sealed-request';

const now = new Date(nowMs);
const seed = Buffer.alloc(32, 5);
const pki = createDevelopmentPki({ seed, now });
const platform = createPlatform(pki);
const gpuPki = createGpuPki({ seed, now });
const imageId = createSimulatedTee({ pkiSeed: seed, platform: 0, now }).imageId;
const modelRoot = bytesOf('root');
const hub = new Address(0, bytesOf('hub'));
const from = { dispatcherUrl: 'http://dispatcher', hub };

function bundleOf(changes: Partial<KeyBundle> = {}): KeyBundle {
    return {
        network,
        provider: bytesOf('provider'),
        role: 1,
        suite: 1,
        signingKey: node.publicKey,
        imageId,
        modelRoot,
        gpuEvidenceDigest: Buffer.alloc(32),
        mcSeqno: 1,
        mcRootHash: bytesOf('block'),
        notAfter: nowMs / 1000 + 86_400,
        ...changes,
    };
}

function minted(bundle: KeyBundle, changes: Partial<Parameters<typeof mintTdxQuote>[0]> = {}): MintedEvidence {
    const measurements = simulatedMeasurements();
    return mintTdxQuote({ pki, platform, reportData: reportDataFor(bundle), measurements, ...changes });
}

async function rowOf(bundle: KeyBundle, evidence = minted(bundle), changes: Partial<NodeRow> = {}): Promise<NodeRow> {
    const offer = issueOffer(
        { ...offerFields, models: [{ ...offerFields.models[1]!, modelRoot: bundle.modelRoot }] },
        node,
    );
    const keyring = await keyringOf(node);
    return {
        nodeKey: node.publicKey.toString('hex'),
        bundle: encodeKeyBundle(bundle).toString('base64'),
        quote: evidence.quote.toString('base64'),
        kemCertificates: keyring.certificates().map(({ signed }) => signed.toString('base64')),
        offer: offer.signed.toString('base64'),
        load: { inFlight: 0, queued: 0, maxConcurrency: 4, firstFrameMsP50: null, failureShare: 0 },
        ...changes,
    };
}

/** A verifier before a registry and a hub that say what the test has them say. */
function verifierWith(options: { collateral?: Collateral; gpus?: Partial<GpuJudgeOptions> } = {}) {
    const clock = new ManualClock(nowMs);
    const registry: RegistryView = {
        version: 1,
        images: new Set([imageId.toString('hex')]),
        snpImages: new Set<string>(),
        models: new Set([modelRoot.toString('hex')]),
        deniedPlatforms: new Set<string>(),
    };
    const admitted = { notAfter: nowMs / 1000 + 86_400, revokedAt: null as number | null };
    const view = {
        current: registry,
        refresh: async () => view.current,
        admission: jest.fn(async (): Promise<typeof admitted | null> => admitted),
    };
    const collateralFor = jest.fn(async () => options.collateral ?? minted(bundleOf()).collateral);
    const verifier = new NodeVerifier({
        network,
        view: view as unknown as NetworkView,
        rootPublicKey: pki.rootPublicKey,
        collateralFor,
        gpus: new GpuJudge({ rootPublicKey: gpuPki.rootPublicKey, minCount: 0, clock, ...options.gpus }),
        clock,
    });
    return { verifier, view, clock, collateralFor, admitted };
}

test('a node whose evidence holds is trusted, and anyone can check it again', async () => {
    const { verifier } = verifierWith();
    const { trusted, evidence } = await verifier.check(await rowOf(bundleOf()), from);
    expect(evidence).toMatchObject({ trusted: true, refusal: null, verdict: { verdict: 'accepted' } });
    expect(evidence.collateral).not.toBeNull();
    expect(trusted).toMatchObject({ id: node.publicKey.toString('hex'), dispatcherUrl: 'http://dispatcher' });
});

describe('a node that declares GPUs', () => {
    const document = mintGpuDocument([createGpu(gpuPki)], { nonce: gpuNonceFor(bundleOf()) });
    const declared = bundleOf({ gpuEvidenceDigest: gpuEvidenceDigest(document) });
    const check = async (shown: unknown, options: Partial<GpuJudgeOptions> = {}) => {
        const { verifier } = verifierWith({ gpus: options });
        return verifier.check(await rowOf(declared, undefined, { gpuEvidence: shown }), from);
    };

    test('is trusted where their evidence holds, and shows it', async () => {
        const { trusted, evidence } = await check(document);
        expect(trusted!.gpu!.gpus).toHaveLength(1);
        expect(evidence).toMatchObject({ trusted: true, gpu: { verdict: 'accepted' }, gpuEvidence: document });
    });

    test.each<[string, unknown, Partial<GpuJudgeOptions>]>([
        ['gpu_evidence_missing', undefined, {}],
        ['gpu_evidence_format', [], {}],
        ['policy_gpu_count', document, { minCount: 2 }],
        ['gpu_chain_root', document, { rootPublicKey: nvidiaRootPublicKey }],
    ])('is refused with %s', async (code, shown, options) => {
        expect((await check(shown, options)).evidence.refusal!.code).toBe(code);
    });

    test('is what a gateway that requires GPUs asks for', async () => {
        const { verifier } = verifierWith({ gpus: { minCount: 1 } });
        const { evidence } = await verifier.check(await rowOf(bundleOf()), from);
        expect(evidence.refusal!.code).toBe('gpu_required');
    });
});

describe('it is refused, and the evidence says why:', () => {
    const code = async (row: NodeRow, parts = verifierWith()) => {
        const { trusted, evidence } = await parts.verifier.check(row, from);
        expect([trusted, evidence.trusted]).toEqual([null, false]);
        expect(evidence.refusal!.detail).not.toBe('');
        return evidence.refusal!.code;
    };

    test.each<[string, Partial<KeyBundle>]>([
        ['bundle_not_ours', { network: bytesOf('other') }],
        ['bundle_not_ours', { signingKey: stranger.publicKey }],
        ['bundle_expired', { notAfter: nowMs / 1000 }],
        ['model_not_allowed', { modelRoot: bytesOf('other') }],
        ['image_mismatch', { imageId: bytesOf('other') }],
    ])('%s', async (expected, changes) => {
        expect(await code(await rowOf(bundleOf(changes)))).toBe(expected);
    });

    test('bundle_malformed', async () => {
        expect(await code(await rowOf(bundleOf(), undefined, { bundle: 'AAAA' }))).toBe('bundle_malformed');
    });

    test('a quote over another bundle, by the check that failed', async () => {
        const other = minted(bundleOf({ notAfter: nowMs / 1000 + 1_000 }));
        const parts = verifierWith();
        const refusal = await code(await rowOf(bundleOf(), other), parts);
        expect(refusal).not.toBe('evidence_rejected');
        expect((await parts.verifier.check(await rowOf(bundleOf(), other), from)).evidence.verdict).toMatchObject({
            verdict: 'rejected',
            failedCheck: refusal,
        });
    });

    test('a quote with an altered byte', async () => {
        const evidence = minted(bundleOf());
        evidence.quote[600]! ^= 1;
        expect(await code(await rowOf(bundleOf(), evidence))).toEqual(expect.any(String));
    });

    test('an image that the registry does not list', async () => {
        const parts = verifierWith();
        parts.view.current = { ...parts.view.current, images: new Set() };
        expect(await code(await rowOf(bundleOf()), parts)).toEqual(expect.any(String));
    });

    test('a platform that the registry denies', async () => {
        const parts = verifierWith();
        const { evidence } = await parts.verifier.check(await rowOf(bundleOf()), from);
        const { platformId } = evidence.verdict as unknown as { platformId: string };
        expect(platformId).toEqual(expect.any(String));
        parts.view.current = { ...parts.view.current, version: 2, deniedPlatforms: new Set([platformId]) };
        expect(await code(await rowOf(bundleOf()), parts)).toEqual(expect.any(String));
    });

    test('evidence under another root', async () => {
        const other = createDevelopmentPki({ seed: Buffer.alloc(32, 6), now });
        const bundle = bundleOf();
        const evidence = minted(bundle, { pki: other, platform: createPlatform(other) });
        const parts = verifierWith({ collateral: evidence.collateral });
        expect(await code(await rowOf(bundle, evidence), parts)).toEqual(expect.any(String));
    });

    test('collateral_unavailable', async () => {
        const parts = verifierWith();
        parts.collateralFor.mockRejectedValue(new Error('no such platform'));
        expect(await code(await rowOf(bundleOf()), parts)).toBe('collateral_unavailable');
    });

    test('not_admitted: unknown to the hub, revoked, or run out', async () => {
        const parts = verifierWith();
        const row = await rowOf(bundleOf());
        parts.view.admission.mockResolvedValueOnce(null);
        expect(await code(row, parts)).toBe('not_admitted');
        parts.view.admission.mockResolvedValueOnce({ ...parts.admitted, revokedAt: 1 });
        expect(await code(row, parts)).toBe('not_admitted');
        parts.view.admission.mockResolvedValueOnce({ ...parts.admitted, notAfter: nowMs / 1000 });
        expect(await code(row, parts)).toBe('not_admitted');
    });

    test('terms_invalid: an offer of another node, of another model, or a certificate of another node', async () => {
        const bundle = bundleOf();
        const foreign = issueOffer(offerFields, stranger).signed.toString('base64');
        expect(await code(await rowOf(bundle, undefined, { offer: foreign }))).toBe('terms_invalid');
        const otherModel = issueOffer(offerFields, node).signed.toString('base64');
        expect(await code(await rowOf(bundle, undefined, { offer: otherModel }))).toBe('terms_invalid');
        const [certificate] = (await keyringOf(stranger)).certificates();
        const kemCertificates = [certificate!.signed.toString('base64')];
        expect(await code(await rowOf(bundle, undefined, { kemCertificates }))).toBe('terms_invalid');
    });
});

describe('verdicts', () => {
    test('serve again for the same evidence, and not for other evidence', async () => {
        const { verifier, collateralFor } = verifierWith();
        const row = await rowOf(bundleOf());
        await verifier.check(row, from);
        await verifier.check(row, from);
        expect(collateralFor).toHaveBeenCalledTimes(1);
        await verifier.check(await rowOf(bundleOf({ notAfter: nowMs / 1000 + 999 })), from);
        expect(collateralFor).toHaveBeenCalledTimes(2);
    });

    test('are dropped at once when the registry’s version moves', async () => {
        const { verifier, view } = verifierWith();
        const row = await rowOf(bundleOf());
        expect((await verifier.check(row, from)).trusted).not.toBeNull();
        view.current = { ...view.current, version: 2, images: new Set() };
        expect((await verifier.check(row, from)).trusted).toBeNull();
    });

    test('grow old: after ten minutes the evidence is judged again', async () => {
        const { verifier, clock, collateralFor } = verifierWith();
        const row = await rowOf(bundleOf());
        await verifier.check(row, from);
        clock.advance(10 * 60_000);
        await verifier.check(row, from);
        expect(collateralFor).toHaveBeenCalledTimes(2);
    });

    test('do not stand in for admission, which is asked every time', async () => {
        const { verifier, view } = verifierWith();
        const row = await rowOf(bundleOf());
        await verifier.check(row, from);
        view.admission.mockResolvedValueOnce(null);
        expect((await verifier.check(row, from)).trusted).toBeNull();
    });
});

describe('the directory', () => {
    async function directoryOf(rows: unknown[]) {
        const parts = verifierWith();
        const answer = { network: network.toString('hex'), hub: hub.hash.toString('hex'), nodes: rows };
        const client = { url: 'http://dispatcher', directory: jest.fn(async (): Promise<unknown> => answer) };
        const directory = new NodeDirectory({
            network,
            peers: () => [{ client: client as unknown as DispatcherClient, hub }],
            view: parts.view as unknown as NetworkView,
            verifier: parts.verifier,
            pollIntervalMs: 1_000,
            clock: parts.clock,
            logger: silentLogger(),
        });
        return { ...parts, directory, client, answer };
    }
    const id = node.publicKey.toString('hex');

    test('sorts nodes by whether their evidence holds; rows that are none are passed over', async () => {
        const bad = await rowOf(bundleOf({ imageId: bytesOf('other') }), undefined, {});
        const { directory } = await directoryOf([await rowOf(bundleOf()), { nodeKey: 'zz' }, 7, null]);
        await directory.refresh();
        expect(directory.trusted.map((one) => one.id)).toEqual([id]);
        const other = await directoryOf([bad]);
        await other.directory.refresh();
        expect(other.directory.trusted).toEqual([]);
        expect(other.directory.evidence.get(id)!.refusal!.code).toBe('image_mismatch');
    });

    test('a banned node stays away, an avoided one for a while', async () => {
        const { directory, clock } = await directoryOf([await rowOf(bundleOf())]);
        await directory.refresh();
        directory.avoid(id, 'frame_invalid');
        expect(directory.trusted).toEqual([]);
        clock.advance(60_000);
        expect(directory.trusted).toHaveLength(1);
        directory.ban(id, 'receipt_cost_wrong');
        expect(directory.trusted).toEqual([]);
        await directory.refresh();
        expect(directory.trusted).toEqual([]);
    });

    test('one node that the chain cannot be asked about takes no other node down, and keeps its own standing', async () => {
        const { directory, view } = await directoryOf([await rowOf(bundleOf())]);
        await directory.refresh();
        view.admission.mockRejectedValueOnce(new Error('rate limited'));
        await directory.refresh();
        expect(directory.trusted).toHaveLength(1);
        expect(directory.problem).toBe('');
    });

    test('a dispatcher that does not answer for a moment loses no node, but trust ends in two minutes', async () => {
        const { directory, client, clock } = await directoryOf([await rowOf(bundleOf())]);
        await directory.refresh();
        client.directory.mockRejectedValue(new Error('timeout'));
        await directory.refresh();
        expect([directory.trusted.length, directory.problem]).toEqual([1, 'timeout']);
        clock.advance(120_001);
        expect(directory.trusted).toEqual([]);
    });

    test('so does trust in what an unreadable chain once said', async () => {
        const { directory, view, clock } = await directoryOf([await rowOf(bundleOf())]);
        await directory.refresh();
        view.refresh = () => Promise.reject(new Error('no chain'));
        clock.advance(120_001);
        await directory.refresh();
        expect([directory.trusted.length, directory.problem]).toEqual([0, 'no chain']);
    });

    test('both end in their time when the clock is set back meanwhile: trust, and that a node is avoided', async () => {
        const { directory, view, clock } = await directoryOf([await rowOf(bundleOf())]);
        await directory.refresh();
        directory.avoid(id, 'frame_invalid');
        clock.setBy(-3_600_000);
        view.refresh = () => Promise.reject(new Error('no chain'));
        clock.advance(60_000);
        expect(directory.trusted).toHaveLength(1);
        clock.advance(60_001);
        expect(directory.trusted).toEqual([]);
    });

    test('a dispatcher of another network or hub is not read', async () => {
        for (const wrong of [{ network: '0'.repeat(64) }, { hub: '0'.repeat(64) }]) {
            const { directory, client, answer } = await directoryOf([await rowOf(bundleOf())]);
            client.directory.mockResolvedValue({ ...answer, ...wrong });
            await directory.refresh();
            expect(directory.trusted).toEqual([]);
            expect(directory.problem).toContain('another network or hub');
        }
    });

    test('a node that is listed no more is trusted no more, though its evidence can still be read', async () => {
        const { directory, client, answer } = await directoryOf([await rowOf(bundleOf())]);
        await directory.refresh();
        client.directory.mockResolvedValue({ ...answer, nodes: [] });
        await directory.refresh();
        expect(directory.trusted).toEqual([]);
        expect(directory.evidence.get(id)).toBeDefined();
    });
});
