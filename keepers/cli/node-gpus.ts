import { gpuNonceFor, type GpuVerdict, verifyGpuEvidence } from '../attestation';
import type { KeyBundle } from '../../wrappers';
import { gpuText } from './gpu-verdict-text';

/** What a node's GPUs are worth; `missing` where its key bundle names evidence that is not served, null where it names none. */
export function judgeNodeGpus(
    bundle: KeyBundle,
    served: unknown,
    rootPublicKey: Buffer | undefined,
): GpuVerdict | 'missing' | null {
    if (bundle.gpuEvidenceDigest.every((byte) => byte === 0)) return null;
    if ((served ?? null) === null) return 'missing';
    return verifyGpuEvidence(served, {
        at: new Date(),
        rootPublicKey,
        policy: { modeStatement: 'required' },
        claims: { nonce: gpuNonceFor(bundle), evidenceDigest: bundle.gpuEvidenceDigest },
    });
}

/** One line for each GPU, for people. */
export function nodeGpuLines(verdict: GpuVerdict | null): [name: string, value: string][] {
    if (verdict === null) return [['GPUs', 'none declared']];
    return verdict.gpus.map((gpu, index) => [`GPU ${index}`, gpuText(gpu)]);
}
