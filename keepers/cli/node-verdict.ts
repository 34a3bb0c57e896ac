import { z } from 'zod';
import {
    AttestationError,
    type CollateralService,
    type GpuCheckCode,
    type GpuVerdict,
    type PolicyInput,
    readServedEvidence,
    type SnpVerdict,
    type Verdict,
    verifyServedEvidence,
} from '../attestation';
import { decodeKeyBundle, type KeyBundle, reportDataFor } from '../../wrappers';
import { judgeByService } from './judge-quote';
import { judgeNodeGpus } from './node-gpus';
import { judgeNodeSnp, type JudgeNodeSnpOptions, servedSnp } from './node-snp';

/** What is wrong around the quote; the verifier's own codes come besides. Named as the gateway names them. */
export type NodeCheckCode =
    | 'evidence_malformed'
    | 'bundle_malformed'
    | 'bundle_not_ours'
    | 'bundle_expired'
    | 'collateral_unavailable'
    | 'image_mismatch'
    | 'gpu_evidence_missing';

/** The verdict on quote or SEV-SNP report, with checks of its own around it. */
export type NodeVerdict = (Omit<Verdict, 'failedCheck'> | Omit<SnpVerdict, 'failedCheck'>) & NodeFacts;

interface NodeFacts {
    nodeKey: string | null;
    failedCheck: Verdict['failedCheck'] | SnpVerdict['failedCheck'] | GpuCheckCode | NodeCheckCode;
    /** Null for a node that declares no GPU, or whose quote was refused already. */
    gpu: GpuVerdict | null;
    /** Model that the quote binds the node to. */
    modelRoot: string | null;
    /** After this the node must attest again. */
    bundleNotAfter: string | null;
}

export interface JudgeNodeOptions {
    rootPublicKey?: Buffer;
    /** Of GPUs; NVIDIA's unless a development network's deployment pins another. */
    gpuRootPublicKey?: Buffer;
    /** Account id of the registry, where a deployment is pinned. */
    network?: Buffer;
    policy?: PolicyInput;
    /** Absent: by the collateral that is served along. */
    service?: CollateralService;
    /** For nodes in SEV-SNP guests. */
    snp?: JudgeNodeSnpOptions;
}

const rowSchema = z.object({
    nodeKey: z.string().regex(/^[0-9a-f]{64}$/),
    bundle: z.base64().max(65_536),
    quote: z.base64().max(262_144),
    snp: servedSnp.optional(),
    collateral: z.unknown(),
    gpuEvidence: z.unknown().optional(),
});

type Row = z.output<typeof rowSchema>;

/** Judges one node as it is served: its key bundle, the quote made for it, and that both name the same image. */
export async function judgeNode(served: unknown, options: JudgeNodeOptions): Promise<NodeVerdict> {
    const parsed = rowSchema.safeParse(served);
    if (!parsed.success) {
        return refused(null, 'evidence_malformed', 'key, bundle and quote are not served as a directory serves them');
    }
    const row = parsed.data;
    const bundle = bundleOf(row);
    if (bundle === null) return refused(row, 'bundle_malformed', 'the key bundle has another form: update the node');
    const flaw = bundleFlaw(bundle, row, options.network);
    if (flaw !== null) return refused(row, ...flaw);
    try {
        const { snp, ...rest } = row;
        const judged =
            snp === undefined
                ? await judgeQuote(row, bundle, options)
                : await judgeNodeSnp({ ...rest, snp }, bundle, options.snp ?? {});
        const verdict = describe(judged, row, bundle);
        return withGpus(verdict, judgeNodeGpus(bundle, row.gpuEvidence, options.gpuRootPublicKey));
    } catch (error) {
        if (!(error instanceof AttestationError)) throw error;
        const code = error.code === 'evidence_unusable' ? 'evidence_malformed' : 'collateral_unavailable';
        return refused(row, code, error.message);
    }
}

async function judgeQuote(row: Row, bundle: KeyBundle, options: JudgeNodeOptions): Promise<Verdict> {
    const { rootPublicKey, service } = options;
    const policy = { reportData: reportDataFor(bundle).toString('hex'), ...options.policy };
    const judgeBy = { rootPublicKey, policy, claims: { modelRoot: bundle.modelRoot } };
    if (service === undefined) {
        if ((row.collateral ?? null) === null) {
            throw new AttestationError('collateral_unavailable', 'no collateral is served along: fetch it instead');
        }
        const evidence = readServedEvidence(row);
        return verifyServedEvidence(evidence, { ...judgeBy, at: new Date() });
    }
    const quote = Buffer.from(row.quote, 'base64');
    return judgeByService(quote, { ...judgeBy, service }, (collateral, by) =>
        verifyServedEvidence(readServedEvidence({ ...row, collateral }), by),
    );
}

function bundleOf({ bundle }: Row): KeyBundle | null {
    try {
        return decodeKeyBundle(Buffer.from(bundle, 'base64'));
    } catch {
        return null;
    }
}

function bundleFlaw(bundle: KeyBundle, row: Row, network: Buffer | undefined): [NodeCheckCode, string] | null {
    if (bundle.signingKey.toString('hex') !== row.nodeKey) {
        return ['bundle_not_ours', 'the key bundle names another signing key than the directory'];
    }
    if (network !== undefined && !bundle.network.equals(network)) {
        return ['bundle_not_ours', 'the key bundle names another network than the deployment'];
    }
    const expired = bundle.notAfter * 1000 <= Date.now();
    return expired ? ['bundle_expired', 'the key bundle has expired: the node must attest again'] : null;
}

function describe(verdict: Verdict | SnpVerdict, { nodeKey }: Row, bundle: KeyBundle): NodeVerdict {
    const facts = {
        nodeKey,
        ...verdict,
        gpu: null,
        modelRoot: bundle.modelRoot.toString('hex'),
        bundleNotAfter: new Date(bundle.notAfter * 1000).toISOString(),
    };
    if (verdict.verdict !== 'accepted' || verdict.imageId === bundle.imageId.toString('hex')) return facts;
    const detail = 'the key bundle names another image than the quote measures: do not use this node';
    return { ...facts, verdict: 'rejected', failedCheck: 'image_mismatch', detail, validUntil: null };
}

/** GPUs are looked at where all else held: what a node declares must be shown and hold as well. */
function withGpus(node: NodeVerdict, gpus: ReturnType<typeof judgeNodeGpus>): NodeVerdict {
    if (node.verdict === 'rejected' || gpus === null) return node;
    if (gpus === 'missing') {
        const detail = 'the node declares GPUs and shows no evidence of them: do not use it';
        return { ...node, verdict: 'rejected', failedCheck: 'gpu_evidence_missing', detail, validUntil: null };
    }
    if (gpus.verdict === 'accepted') return { ...node, gpu: gpus };
    const { failedCheck, detail } = gpus;
    return { ...node, gpu: gpus, verdict: 'rejected', failedCheck, detail, validUntil: null };
}

/** A refusal before, or instead of, a verdict on the quote: nothing is known of the platform. */
function refused(row: Row | null, failedCheck: NodeCheckCode, detail: string): NodeVerdict {
    return {
        nodeKey: row?.nodeKey ?? null,
        verdict: 'rejected',
        status: null,
        advisoryIds: [],
        tcbDate: null,
        failedCheck,
        detail,
        fmspc: null,
        tcbEvaluationDataNumber: null,
        platformId: null,
        tdAttributes: null,
        reportData: null,
        measurements: null,
        imageId: null,
        enclave: null,
        evaluatedAt: new Date().toISOString(),
        validUntil: null,
        gpu: null,
        modelRoot: null,
        bundleNotAfter: null,
    };
}
