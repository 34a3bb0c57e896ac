import type { AuditReport } from './audit/audit';
import type { Growth } from './footprint';
import type { SoakResult } from './soak';
import type { StormResult } from './storm';

/** The last line on standard output. */
export interface Verdict {
    ok: boolean;
    seed: number;
    [fact: string]: unknown;
}

/** Of the last quarter to the second. */
const flatRatio = 1.1;

export function verdictOfStorm(seed: number, { report, ...counts }: StormResult): Verdict {
    // Where nobody was answered nothing was tried.
    return { ok: report.findings.ok && counts.acknowledged > 0, ...counts, ...audited(report), seed };
}

export function verdictOfSoak(seed: number, { report, memory, disk, ...counts }: SoakResult): Verdict {
    const memoryRatio = worst(memory);
    const diskRatio = worst(disk);
    const isFlat = memoryRatio <= flatRatio && diskRatio <= flatRatio;
    const ok = report.findings.ok && counts.acknowledged > 0 && counts.starts === 0 && isFlat;
    return { ok, ...counts, memoryRatio, diskRatio, memory, disk, ...audited(report), seed };
}

/** Of the keepers: the development chain keeps its whole history. */
function worst(growth: Record<string, Growth>): number {
    const ratios = Object.entries(growth).flatMap(([name, { ratio }]) => (name === 'chain' ? [] : [ratio]));
    return Math.max(...ratios);
}

function audited({ findings, settled, outstanding, lost, duplicated }: AuditReport) {
    return { settled, outstanding, lost, duplicated, checks: findings.checks, findings: findings.list };
}
