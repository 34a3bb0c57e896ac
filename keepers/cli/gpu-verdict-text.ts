import type { GpuFacts, GpuVerdict } from '../attestation';
import { lines } from './verdict-text';

/** A verdict on GPUs for people; JSON is for machines. */
export function gpuVerdictText(verdict: GpuVerdict): string {
    const { checks } = verdict;
    return lines([
        ['verdict', verdict.verdict],
        ['failed check', verdict.failedCheck],
        ['what to do', verdict.failedCheck === null ? null : verdict.detail],
        ...verdict.gpus.map((gpu, index): [string, string] => [`GPU ${index}`, gpuText(gpu)]),
        ...verdict.gpus.map((gpu, index): [string, string] => [`device ${index}`, gpu.deviceId]),
        ['nonce', verdict.nonce === null ? null : `${verdict.nonce} (${checks.nonce})`],
        ['mode', checks.mode === 'stated' ? 'stated by the host' : 'UNSTATED: whether confidential mode is on'],
        ['revocation', checks.revocation === 'nras' ? 'by NVIDIA’s service' : 'unchecked'],
        ['measurements', checks.measurements === 'nras' ? 'by NVIDIA’s service' : 'unchecked'],
        ['digest', verdict.evidenceDigest],
        ['evaluated at', verdict.evaluatedAt],
        ['valid until', verdict.validUntil],
    ]);
}

export function gpuText({ chip, driverVersion, vbiosVersion, feature, ccMode, devTools }: GpuFacts): string {
    const mode = `confidential mode ${ccMode ?? 'unstated'}, developer mode ${devTools ?? 'unstated'}`;
    return `${chip}, driver ${driverVersion}, VBIOS ${vbiosVersion}, ${feature ?? 'passing unstated'}, ${mode}`;
}
