import { intelRootPublicKey, type Verdict } from '../attestation';

/** A verdict for people; JSON is for machines. Works for verdicts with checks of their own around the verifier's. */
export function verdictText(verdict: Omit<Verdict, 'failedCheck'> & { failedCheck: string | null }): string {
    const { measurements, enclave } = verdict;
    return lines([
        ['verdict', verdict.verdict],
        ['failed check', verdict.failedCheck],
        ['what to do', verdict.failedCheck === null ? null : verdict.detail],
        ['status', verdict.status ?? 'not evaluated'],
        ['advisories', verdict.advisoryIds.join(', ') || 'none'],
        ['TCB date', verdict.tcbDate],
        ['evaluation no.', verdict.tcbEvaluationDataNumber],
        ['FMSPC', verdict.fmspc],
        ['platform', verdict.platformId],
        ['TD attributes', verdict.tdAttributes],
        ['report data', verdict.reportData],
        ['image', verdict.imageId],
        ...Object.entries({ ...measurements, ...enclave }),
        ['evaluated at', verdict.evaluatedAt],
        ['valid until', verdict.validUntil],
    ]);
}

export function rootText(rootPublicKey: Buffer | undefined): string {
    const intel = rootPublicKey === undefined || rootPublicKey.equals(intelRootPublicKey);
    return lines([['root', intel ? 'Intel' : 'NOT Intel: a development network, whose evidence anyone may have made']]);
}

/** `name  value`, one in a line; what is null is left out. */
export function lines(rows: [name: string, value: string | number | null][]): string {
    return rows.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(15)} ${value}`])).join('\n');
}
