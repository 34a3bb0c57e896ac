import { createHash } from 'node:crypto';
import type { Address } from '@ton/core';
import { type Collateral, type GpuVerdict, type SnpVerdict, type Verdict, verifyTdxQuote } from '../attestation';
import { type Clock, CocoonError, nowSec } from '../base';
import { verifyKemCertificate, verifyOffer } from '../confidential';
import { decodeKeyBundle, type KeyBundle, keyBundleHash } from '../../wrappers';
import type { GpuJudge } from './gpu-judge';
import type { NetworkView, RegistryView } from './network-view';
import { judgeSnp, type SnpAcceptance } from './snp-judge';
import type { NodeEvidence, NodeRow, TrustedNode } from './trusted-node';

export type RefusalCode =
    | 'bundle_malformed'
    | 'bundle_not_ours'
    | 'bundle_expired'
    | 'model_not_allowed'
    | 'collateral_unavailable'
    | 'snp_not_accepted'
    | 'evidence_rejected'
    | 'image_mismatch'
    | 'gpu_evidence_missing'
    | 'gpu_required'
    | 'nras_unavailable'
    | 'not_admitted'
    | 'terms_invalid';

/** Why a node is not trusted; `evidence_rejected` carries the verifier's own code. */
export class NodeRefused extends CocoonError<RefusalCode> {
    constructor(
        code: RefusalCode,
        message: string,
        readonly verdict: Verdict | SnpVerdict | GpuVerdict | null = null,
    ) {
        super(code, message, { action: 'stop' });
    }
}

export interface NodeVerifierOptions {
    network: Buffer;
    view: NetworkView;
    /** Uncompressed point, pinned by the registry's address. */
    rootPublicKey: Buffer;
    /** From Intel's service or one like it, never from the node. */
    collateralFor: (quote: Buffer) => Promise<Collateral>;
    /** Absent: nodes whose evidence is of SEV-SNP are refused, for no contract has verified it. */
    snp?: SnpAcceptance;
    gpus: GpuJudge;
    clock: Clock;
}

interface Judged {
    verdict: Verdict | SnpVerdict;
    collateral: object;
}

interface CachedEvidence extends Judged {
    /** By the monotonic clock. */
    untilMs: number;
}

export type Checked = { trusted: TrustedNode; evidence: NodeEvidence } | { trusted: null; evidence: NodeEvidence };

/** Much shorter than any collateral's life, and dropped at once when the registry's version moves. */
const verdictLifeMs = 10 * 60_000;
/** A refusal may come from collateral that is about to be replaced. */
const refusalLifeMs = 30_000;
const maxCachedVerdicts = 20_000;

/** Decides whether a node may see a prompt: evidence, registry, admission on chain, and its signed terms. */
export class NodeVerifier {
    private readonly verdicts = new Map<string, CachedEvidence>();

    constructor(private readonly options: NodeVerifierOptions) {}

    async check(row: NodeRow, from: { dispatcherUrl: string; hub: Address }): Promise<Checked> {
        const evidence: NodeEvidence = {
            nodeKey: row.nodeKey,
            bundle: row.bundle,
            quote: row.quote,
            ...(row.snp && { snp: row.snp }),
            collateral: null,
            verdict: null,
            gpuEvidence: row.gpuEvidence ?? null,
            gpu: null,
            trusted: false,
            refusal: null,
            checkedAt: new Date(this.options.clock.nowMs()).toISOString(),
        };
        try {
            return { trusted: await this.verify(row, from, evidence), evidence: { ...evidence, trusted: true } };
        } catch (error) {
            if (!(error instanceof NodeRefused)) throw error;
            const refusal = {
                code: error.code === 'evidence_rejected' ? (error.verdict?.failedCheck ?? error.code) : error.code,
                detail: error.message,
            };
            return { trusted: null, evidence: { ...evidence, refusal } };
        }
    }

    /** Facts learnt on the way go into `evidence`, so that a refusal shows what it was about. */
    private async verify(
        row: NodeRow,
        from: { dispatcherUrl: string; hub: Address },
        evidence: NodeEvidence,
    ): Promise<TrustedNode> {
        const registry = this.options.view.current!;
        const nodeKey = Buffer.from(row.nodeKey, 'hex');
        const bundle = this.checkBundle(row, nodeKey, registry);
        const judged = await this.judge(row, bundle, registry);
        evidence.collateral = judged.collateral;
        evidence.verdict = judged.verdict;
        if (judged.verdict.verdict !== 'accepted')
            throw new NodeRefused('evidence_rejected', judged.verdict.detail, judged.verdict);
        if (judged.verdict.imageId !== bundle.imageId.toString('hex')) {
            throw new NodeRefused('image_mismatch', 'the key bundle names another image than the quote measures');
        }
        evidence.gpu = await this.options.gpus.judge(bundle, row.gpuEvidence);
        if (evidence.gpu?.verdict === 'rejected')
            throw new NodeRefused('evidence_rejected', evidence.gpu.detail, evidence.gpu);
        await this.checkAdmission(from.hub, nodeKey);
        const terms = this.readTerms(row, nodeKey, bundle);
        return {
            id: row.nodeKey,
            nodeKey,
            dispatcherUrl: from.dispatcherUrl,
            hub: from.hub,
            bundle,
            verdict: judged.verdict,
            gpu: evidence.gpu,
            load: row.load,
            ...terms,
            checkedAtMs: this.options.clock.monotonicMs(),
        };
    }

    private checkBundle(row: NodeRow, nodeKey: Buffer, registry: RegistryView): KeyBundle {
        let bundle: KeyBundle;
        try {
            bundle = decodeKeyBundle(Buffer.from(row.bundle, 'base64'));
        } catch (error) {
            throw new NodeRefused(
                'bundle_malformed',
                error instanceof Error ? error.message : 'the key bundle is malformed',
            );
        }
        if (!bundle.network.equals(this.options.network))
            throw new NodeRefused('bundle_not_ours', 'the key bundle names another network');
        if (!bundle.signingKey.equals(nodeKey))
            throw new NodeRefused('bundle_not_ours', 'the key bundle names another signing key');
        if (bundle.notAfter <= nowSec(this.options.clock))
            throw new NodeRefused('bundle_expired', 'the key bundle has expired: the node must attest again');
        if (!registry.models.has(bundle.modelRoot.toString('hex'))) {
            throw new NodeRefused(
                'model_not_allowed',
                'the registry does not list the model that the node is bound to',
            );
        }
        return bundle;
    }

    private async judge(row: NodeRow, bundle: KeyBundle, registry: RegistryView): Promise<CachedEvidence> {
        const key = createHash('sha256')
            .update(
                JSON.stringify([registry.version, keyBundleHash(bundle).toString('hex'), row.quote, row.snp ?? null]),
            )
            .digest('base64');
        const cached = this.verdicts.get(key);
        if (cached !== undefined && this.options.clock.monotonicMs() < cached.untilMs) return cached;
        const reportData = Buffer.concat([keyBundleHash(bundle), bundle.mcRootHash]).toString('hex');
        const evidence = Buffer.from(row.quote, 'base64');
        const found = await (row.snp === undefined
            ? this.judgeQuote(evidence, reportData, registry)
            : this.judgeReport(evidence, row.snp, { reportData, registry }));
        const lifeMs = found.verdict.verdict === 'accepted' ? verdictLifeMs : refusalLifeMs;
        const judged = { ...found, untilMs: this.options.clock.monotonicMs() + lifeMs };
        this.verdicts.set(key, judged);
        if (this.verdicts.size > maxCachedVerdicts) this.verdicts.delete(this.verdicts.keys().next().value!);
        return judged;
    }

    private async judgeQuote(quote: Buffer, reportData: string, registry: RegistryView): Promise<Judged> {
        const collateral = await this.fetchCollateral(() => this.options.collateralFor(quote));
        const verdict = verifyTdxQuote(quote, collateral, {
            // After the fetch: collateral issued this very second must not look as if it came from the future.
            at: new Date(this.options.clock.nowMs()),
            rootPublicKey: this.options.rootPublicKey,
            policy: {
                images: [...registry.images].map((imageId) => ({ imageId })),
                deniedPlatforms: [...registry.deniedPlatforms],
                reportData,
            },
        });
        return { verdict, collateral };
    }

    private async judgeReport(
        report: Buffer,
        served: NonNullable<NodeRow['snp']>,
        { reportData, registry }: { reportData: string; registry: RegistryView },
    ): Promise<Judged> {
        const { snp, clock } = this.options;
        if (snp === undefined)
            throw new NodeRefused('snp_not_accepted', 'evidence of SEV-SNP: this gateway is not set to accept it');
        const certificates = { vek: Buffer.from(served.vek, 'base64'), chain: served.chain };
        const { snpImages: imageIds, deniedPlatforms } = registry;
        const rules = { imageIds, deniedPlatforms, reportData };
        return this.fetchCollateral(() => judgeSnp({ report, certificates }, rules, snp, () => clock.nowMs()));
    }

    private async fetchCollateral<T>(fetch: () => Promise<T>): Promise<T> {
        try {
            return await fetch();
        } catch (error) {
            throw new NodeRefused(
                'collateral_unavailable',
                error instanceof Error ? error.message : 'no collateral for this platform',
            );
        }
    }

    private async checkAdmission(hub: Address, nodeKey: Buffer): Promise<void> {
        const admitted = await this.options.view.admission(hub, nodeKey);
        const now = nowSec(this.options.clock);
        if (admitted === null) throw new NodeRefused('not_admitted', 'the hub has not admitted this key');
        if (admitted.revokedAt !== null) throw new NodeRefused('not_admitted', 'the key was revoked');
        if (admitted.notAfter <= now) throw new NodeRefused('not_admitted', 'the admission of this key has run out');
    }

    private readTerms(row: NodeRow, nodeKey: Buffer, bundle: KeyBundle): Pick<TrustedNode, 'offer' | 'certificates'> {
        const expected = { network: this.options.network, nodeKey, nowSec: nowSec(this.options.clock) };
        try {
            const offer = verifyOffer(Buffer.from(row.offer, 'base64'), expected);
            const certificates = row.kemCertificates.map((signed) =>
                verifyKemCertificate(Buffer.from(signed, 'base64'), expected),
            );
            if (!offer.models.every((model) => model.modelRoot.equals(bundle.modelRoot))) {
                throw new NodeRefused('terms_invalid', 'the offer names a model that the quote does not bind');
            }
            return { offer, certificates: certificates.sort((a, b) => b.kemEpoch - a.kemEpoch) };
        } catch (error) {
            if (error instanceof NodeRefused) throw error;
            throw new NodeRefused(
                'terms_invalid',
                error instanceof Error ? error.message : 'offer or KEM certificate is malformed',
            );
        }
    }
}
