import type { NodeRow } from './trusted-node';

/** Evidence of sixteen GPUs, and room. */
const maxGpuEvidenceChars = 1024 * 1024;

/** Whether a dispatcher's JSON of no known form is short, and not nested deeper than it could be shown again. */
export function isSmallJson(value: unknown): boolean {
    try {
        return (JSON.stringify(value) ?? '').length <= maxGpuEvidenceChars;
    } catch {
        return false;
    }
}

/** Measured once: they are megabytes with many nodes, and the same object is in a row and in the evidence made of it. */
const measured = new WeakMap<object, number>();

function lengthOf(gpuEvidence: unknown): number {
    if (typeof gpuEvidence !== 'object' || gpuEvidence === null)
        return typeof gpuEvidence === 'string' ? gpuEvidence.length : 0;
    const known = measured.get(gpuEvidence) ?? JSON.stringify(gpuEvidence).length;
    measured.set(gpuEvidence, known);
    return known;
}

/** About how much memory a row or the evidence made of it takes. */
export function sizeOf(row: Pick<NodeRow, 'bundle' | 'quote' | 'snp' | 'gpuEvidence'>): number {
    const { bundle, quote, snp, gpuEvidence } = row;
    const certificates = snp === undefined ? 0 : snp.vek.length + snp.chain.length;
    return 1_024 + bundle.length + quote.length + certificates + lengthOf(gpuEvidence);
}
