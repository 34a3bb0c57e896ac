import { z } from 'zod';
import { type GpuVerdict, verifyGpuEvidence } from '../gpu';
import { checkReport } from './check-codes';
import type { DstackAttestation } from './report';

const gpuSchema = z.object({ certificate: z.string(), evidence: z.string(), arch: z.string().optional() });

/** What a proxy would send to NVIDIA's service: evidence of every GPU for one nonce. */
const payloadSchema = z.object({
    nonce: z.string().regex(/^[0-9a-fA-F]{64}$/),
    arch: z.string().optional(),
    evidence_list: z.array(gpuSchema).max(64).optional(),
});

export interface GpuExpectation {
    /** Fewer GPUs are refused; without it, so is nothing but bad evidence. */
    minGpus?: number;
    /** Uncompressed P-384 point; NVIDIA's root unless a development network's is named. */
    gpuRootPublicKey?: Buffer;
}

/**
 * Judges the GPUs that a report shows, by the same nonce as its quote. Proxies do not state the mode of their GPUs, and
 * nobody is asked for revocation; the verdict's `checks` say so.
 */
export function checkGpus(
    { nvidiaPayload }: DstackAttestation,
    by: GpuExpectation & { nonce: Buffer; at: Date },
): GpuVerdict | null {
    const gpus = nvidiaPayload === null || nvidiaPayload === '' ? [] : gpusOf(nvidiaPayload, by.nonce);
    const minGpus = by.minGpus ?? 0;
    checkReport(gpus.length >= minGpus, 'dstack_gpu_missing', `${gpus.length} GPUs where ${minGpus} are required`);
    if (gpus.length === 0) return null;
    const claims = { nonce: by.nonce };
    const verdict = verifyGpuEvidence(gpus, { at: by.at, rootPublicKey: by.gpuRootPublicKey, claims });
    const { failedCheck, detail } = verdict;
    checkReport(failedCheck === null, 'dstack_gpu_evidence', `the GPU evidence is refused (${failedCheck}): ${detail}`);
    return verdict;
}

function gpusOf(payload: unknown, nonce: Buffer): unknown[] {
    const parsed = payloadSchema.safeParse(parsedJson(payload));
    const isSame = parsed.success && Buffer.from(parsed.data.nonce, 'hex').equals(nonce);
    checkReport(isSame, 'dstack_gpu_nonce', 'the GPU evidence was not made for the nonce of the quote');
    const { arch, evidence_list: list = [] } = parsed.data;
    return list.map((gpu) => ({ arch, ...gpu, nonce: nonce.toString('hex') }));
}

function parsedJson(value: unknown): unknown {
    if (typeof value !== 'string') return value;
    try {
        return JSON.parse(value);
    } catch {
        return undefined;
    }
}
