import { Address } from '@ton/core';
import {
    AttestationError,
    createDevelopmentPki,
    createGpuPki,
    createSnpDevelopmentPki,
    mintSnpReport,
    type MintSnpOptions,
    snpImageIdOf,
    snpPolicySchema,
    type SnpPolicyInput,
    type SnpVerdict,
} from '../../../keepers/attestation';
import { developmentTcb, little } from '../../../keepers/attestation/snp/mint/report';
import { mintSnpCrl } from '../../../keepers/attestation/snp/mint/pki';
import { ManualClock } from '../../../keepers/base';
import { issueOffer } from '../../../keepers/confidential';
import { GpuJudge } from '../../../keepers/gateway/gpu-judge';
import type { NetworkView, RegistryView } from '../../../keepers/gateway/network-view';
import { NodeVerifier } from '../../../keepers/gateway/node-verifier';
import { nodeRowSchema, type NodeRow } from '../../../keepers/gateway/trusted-node';
import { encodeKeyBundle, type KeyBundle, reportDataFor } from '../../../wrappers';
import { bytesOf, offerFields } from '../confidential/exchange';
import { keyringOf, network, node, nowMs } from '../dispatch/sealed-request';

const now = new Date(nowMs);
const seed = Buffer.alloc(32, 6);
const pki = createSnpDevelopmentPki({ seed, now });
const measurement = Buffer.alloc(48, 7);
const imageId = snpImageIdOf({ measurement: measurement.toString('hex'), hostData: '00'.repeat(32) });
const modelRoot = bytesOf('root');
const from = { dispatcherUrl: 'http://dispatcher', hub: new Address(0, bytesOf('hub')) };

const bundle: KeyBundle = {
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
};

async function rowOf(changes: Partial<MintSnpOptions> = {}): Promise<NodeRow> {
    const { report, certificates } = mintSnpReport({
        pki,
        reportData: reportDataFor(bundle),
        measurement,
        ...changes,
    });
    const offer = issueOffer({ ...offerFields, models: [{ ...offerFields.models[1]!, modelRoot }] }, node);
    const keyring = await keyringOf(node);
    return nodeRowSchema.parse({
        nodeKey: node.publicKey.toString('hex'),
        bundle: encodeKeyBundle(bundle).toString('base64'),
        quote: report.toString('base64'),
        snp: { vek: Buffer.from(certificates.vek).toString('base64'), chain: certificates.chain },
        kemCertificates: keyring.certificates().map(({ signed }) => signed.toString('base64')),
        offer: offer.signed.toString('base64'),
        load: { inFlight: 0, queued: 0, maxConcurrency: 4, firstFrameMsP50: null, failureShare: 0 },
    });
}

/** A gateway set to accept SEV-SNP nodes, before a registry that lists their image as one of that kind. */
function verifierWith({ accepts = true, policy = {} }: { accepts?: boolean; policy?: SnpPolicyInput } = {}) {
    const clock = new ManualClock(nowMs);
    const registry: RegistryView = {
        version: 1,
        images: new Set(),
        snpImages: new Set([imageId.toString('hex')]),
        models: new Set([modelRoot.toString('hex')]),
        deniedPlatforms: new Set(),
    };
    const admitted = { notAfter: nowMs / 1000 + 86_400, revokedAt: null };
    const view = { current: registry, admission: async () => admitted };
    const crlFor = jest.fn(async () => mintSnpCrl(pki));
    const collateralFor = () => Promise.reject(new AttestationError('evidence_unusable', 'no quote'));
    const verifier = new NodeVerifier({
        network,
        view: view as unknown as NetworkView,
        rootPublicKey: createDevelopmentPki({ seed, now }).rootPublicKey,
        collateralFor,
        snp: accepts ? { policy: snpPolicySchema.parse(policy), rootKeyHash: pki.rootKeyHash, crlFor } : undefined,
        gpus: new GpuJudge({ rootPublicKey: createGpuPki({ seed, now }).rootPublicKey, minCount: 0, clock }),
        clock,
    });
    const refusalOf = async (row: NodeRow) => (await verifier.check(row, from)).evidence.refusal?.code ?? null;
    return { verifier, registry, crlFor, refusalOf };
}

describe('a node in a SEV-SNP guest', () => {
    it('is trusted where the operator accepts such nodes and the registry lists its image as of that kind', async () => {
        const { verifier } = verifierWith();
        const { trusted, evidence } = await verifier.check(await rowOf(), from);
        expect(evidence.refusal).toBeNull();
        expect(trusted!.verdict).toMatchObject({ kind: 'snp', verdict: 'accepted', product: 'Milan' });
        const { checks } = evidence.verdict as SnpVerdict;
        expect(Object.values(checks)).toEqual(Object.values(checks).map(() => 'passed'));
        expect(evidence.snp!.chain).toContain('BEGIN CERTIFICATE');
        expect(evidence.collateral).toEqual({ crl: expect.stringMatching(/^MII/) as string });
    });

    it('is refused by default: no contract has verified its report', async () => {
        expect(await verifierWith({ accepts: false }).refusalOf(await rowOf())).toBe('snp_not_accepted');
    });

    it('is refused when the registry lists its image as one of TDX guests', async () => {
        const { registry, refusalOf } = verifierWith();
        Object.assign(registry, { images: registry.snpImages, snpImages: new Set() });
        expect(await refusalOf(await rowOf())).toBe('policy_image');
    });

    it('is refused when it passes its report off as a quote', async () => {
        const row = { ...(await rowOf()), snp: undefined };
        expect(await verifierWith().refusalOf(row)).toBe('collateral_unavailable');
    });

    it('is refused for a report of another bundle, another image, or debugged', async () => {
        const { refusalOf } = verifierWith();
        expect(await refusalOf(await rowOf({ reportData: Buffer.alloc(64) }))).toBe('policy_report_data');
        expect(await refusalOf(await rowOf({ measurement: Buffer.alloc(48) }))).toBe('policy_image');
        expect(await refusalOf(await rowOf({ fields: { policy: little(0xb0000n, 8) } }))).toBe('policy_debug');
    });

    it('is refused on a platform that the registry denies, or one that nothing names', async () => {
        const { registry, verifier, refusalOf } = verifierWith();
        const { evidence } = await verifier.check(await rowOf(), from);
        Object.assign(registry, { version: 2, deniedPlatforms: new Set([evidence.verdict!.platformId]) });
        expect(await refusalOf(await rowOf())).toBe('policy_platform_denied');
        const unnamed = await rowOf({ signingKey: 'vlek', fields: { chipId: Buffer.alloc(64) } });
        expect(await refusalOf(unnamed)).toBe('policy_platform_unknown');
    });

    it('is refused below the floor that the operator sets, and for an image that the operator does not name', async () => {
        const floor = { minTcb: { Milan: { microcode: developmentTcb.microcode + 1 } } };
        expect(await verifierWith({ policy: floor }).refusalOf(await rowOf())).toBe('policy_tcb');
        const images = [{ measurement: 'ab'.repeat(48) }];
        expect(await verifierWith({ policy: { images } }).refusalOf(await rowOf())).toBe('policy_image');
        const own = [{ measurement: measurement.toString('hex') }];
        expect(await verifierWith({ policy: { images: own } }).refusalOf(await rowOf())).toBeNull();
    });

    it('is refused without a revocation list, even where the policy would do without', async () => {
        const { crlFor, refusalOf } = verifierWith({ policy: { revocation: 'optional' } });
        crlFor.mockRejectedValue(new AttestationError('collateral_unavailable', 'down'));
        expect(await refusalOf(await rowOf())).toBe('collateral_unavailable');
    });

    it('makes nobody ask for a list whose certificates do not reach the root', async () => {
        const { crlFor, refusalOf } = verifierWith();
        const stranger = createSnpDevelopmentPki({ seed: Buffer.alloc(32, 9), now });
        expect(await refusalOf(await rowOf({ pki: stranger }))).toBe('vek_chain_root');
        expect(crlFor).not.toHaveBeenCalled();
    });

    it('is judged anew when other certificates come with the same report', async () => {
        const { refusalOf } = verifierWith();
        const row = await rowOf();
        expect(await refusalOf(row)).toBeNull();
        const other = await rowOf({ machine: 'another' });
        expect(await refusalOf({ ...row, snp: other.snp })).toBe('vek_chip_id');
    });
});
