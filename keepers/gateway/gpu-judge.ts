import {
    gpuDocumentSchema,
    gpuEvidenceDigest,
    gpuNonceFor,
    type GpuVerdict,
    type NrasClient,
    verifyGpuEvidence,
    verifyGpuEvidenceWithNras,
    type VerifyGpuOptions,
} from '../attestation';
import type { Clock } from '../base';
import type { KeyBundle } from '../../wrappers';
import { NodeRefused } from './node-verifier';

export interface GpuJudgeOptions {
    /** Uncompressed P-384 point: NVIDIA's, or that of the development network that is pinned. */
    rootPublicKey: Buffer;
    /** Nodes that show fewer GPUs are refused. */
    minCount: number;
    /** Judges revocation and reference measurements; nobody does without it. */
    nras?: { client: NrasClient; issuer: string };
    clock: Clock;
}

interface Remembered {
    /** A service that is out of reach is not asked again at every look at the directory. */
    outcome: GpuVerdict | NodeRefused;
    /** By the monotonic clock. */
    untilMs: number;
    /** A date of the evidence's own. */
    validUntilMs: number;
}

const acceptedLifeMs = 10 * 60_000;
/** A service that refuses now may know better soon; its answer costs a request each time. */
const rejectedLifeMs = 30_000;
const maxRemembered = 20_000;

/** Judges the GPUs that a node's key bundle names. A node that names none has none, whatever it shows. */
export class GpuJudge {
    private readonly remembered = new Map<string, Remembered>();

    constructor(private readonly options: GpuJudgeOptions) {}

    /**
     * @returns null for a node that declares no GPU
     * @throws NodeRefused where evidence is missing, or cannot be judged for now
     */
    async judge(bundle: KeyBundle, shown: unknown): Promise<GpuVerdict | null> {
        if (isZero(bundle.gpuEvidenceDigest)) {
            if (this.options.minCount === 0) return null;
            throw new NodeRefused('gpu_required', 'the node declares no GPU, and this gateway requires one');
        }
        if (shown === undefined || shown === null) {
            throw new NodeRefused('gpu_evidence_missing', 'the node declares GPUs and shows no evidence of them');
        }
        return this.judgeOnce(bundle, shown);
    }

    /** Remembered by nonce and digest, which say all that decides; so what is shown must be what the digest names. */
    private async judgeOnce(bundle: KeyBundle, shown: unknown): Promise<GpuVerdict> {
        if (!isNamed(bundle, shown)) return verifyGpuEvidence(shown, this.judgeBy(bundle));
        const key = Buffer.concat([gpuNonceFor(bundle), bundle.gpuEvidenceDigest]).toString('base64');
        const known = this.remembered.get(key);
        const { clock } = this.options;
        const askedAtMs = clock.monotonicMs();
        const isFresh = known !== undefined && askedAtMs < known.untilMs && clock.nowMs() < known.validUntilMs;
        const outcome = isFresh ? known.outcome : await this.judgeNamed(bundle, shown).catch(refusalOf);
        if (!isFresh) this.remember(key, outcome, askedAtMs);
        if (outcome instanceof NodeRefused) throw outcome;
        return outcome;
    }

    private judgeBy(bundle: KeyBundle): VerifyGpuOptions {
        const { rootPublicKey, minCount, clock } = this.options;
        return {
            at: new Date(clock.nowMs()),
            rootPublicKey,
            policy: { minGpus: Math.max(1, minCount), modeStatement: 'required' },
            claims: { nonce: gpuNonceFor(bundle), evidenceDigest: bundle.gpuEvidenceDigest },
        };
    }

    private async judgeNamed(bundle: KeyBundle, shown: unknown): Promise<GpuVerdict> {
        const { nras } = this.options;
        const local = verifyGpuEvidence(shown, this.judgeBy(bundle));
        if (nras === undefined || local.verdict === 'rejected') return local;
        const [token, keys] = await this.ask(nras.client, shown);
        // Read the clock after the answer: a token of this very second must not look as if it came from the future.
        return verifyGpuEvidenceWithNras(shown, token, {
            ...this.judgeBy(bundle),
            nras: { keys, issuer: nras.issuer },
        });
    }

    private async ask(client: NrasClient, shown: unknown): Promise<[token: unknown, keys: unknown]> {
        try {
            return await Promise.all([client.attest(gpuDocumentSchema.parse(shown)), client.keys()]);
        } catch (error) {
            const message = error instanceof Error ? error.message : 'the attestation service cannot be asked';
            throw new NodeRefused('nras_unavailable', message);
        }
    }

    private remember(key: string, outcome: GpuVerdict | NodeRefused, askedAtMs: number): void {
        const validUntil = 'validUntil' in outcome ? outcome.validUntil : null;
        const untilMs = askedAtMs + (validUntil === null ? rejectedLifeMs : acceptedLifeMs);
        const validUntilMs = validUntil === null ? Infinity : Date.parse(validUntil);
        this.remembered.delete(key);
        this.remembered.set(key, { outcome, untilMs, validUntilMs });
        if (this.remembered.size > maxRemembered) this.remembered.delete(this.remembered.keys().next().value!);
    }
}

function isZero(bytes: Buffer): boolean {
    return bytes.every((byte) => byte === 0);
}

function refusalOf(error: unknown): NodeRefused {
    if (error instanceof NodeRefused) return error;
    throw error;
}

function isNamed({ gpuEvidenceDigest: digest }: KeyBundle, shown: unknown): boolean {
    const { success, data } = gpuDocumentSchema.safeParse(shown);
    return success && gpuEvidenceDigest(data).equals(digest);
}
