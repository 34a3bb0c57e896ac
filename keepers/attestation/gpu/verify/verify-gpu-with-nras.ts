import { checkNrasToken, type NrasTrust } from '../nras/verify-token';
import { failureOf } from './check-codes';
import type { GpuVerdict } from './gpu-verdict';
import { verifyGpuEvidence, type VerifyGpuOptions } from './verify-gpu';

/**
 * As verifyGpuEvidence, and then NVIDIA's token over the same GPUs and nonce: that no certificate is revoked, and that driver
 * and VBIOS measure as released. The token is judged only for evidence that holds by itself. Never throws for bad input.
 */
export async function verifyGpuEvidenceWithNras(
    document: unknown,
    token: unknown,
    options: VerifyGpuOptions & { nras: NrasTrust },
): Promise<GpuVerdict> {
    const local = verifyGpuEvidence(document, options);
    if (local.verdict === 'rejected') return local;
    try {
        const expiresMs = await checkNrasToken(token, {
            trust: options.nras,
            atMs: options.at.getTime(),
            nonce: local.nonce!,
            gpus: local.gpus,
        });
        const deadlineMs = Math.min(Date.parse(local.validUntil!), expiresMs);
        return {
            ...local,
            checks: { ...local.checks, revocation: 'nras', measurements: 'nras' },
            validUntil: new Date(deadlineMs).toISOString(),
        };
    } catch (error) {
        const { code, message } = failureOf(error);
        return { ...local, verdict: 'rejected', failedCheck: code, detail: message, validUntil: null };
    }
}
