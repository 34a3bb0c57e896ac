import { AttestationError } from '../errors';
import { authorityNeeds } from './authority-needs';
import type { AuthorityNeeds } from './kds/needs';
import type { SnpCertificates } from './verify/chain';
import type { SnpVerdict } from './verify/verdict';
import { verifySnpReport, type VerifySnpOptions } from './verify/verify-report';

/** A report with the certificates that its bearer shows along; they count as far as they lead to the root. */
export interface ServedReport {
    report: Buffer;
    certificates: Pick<SnpCertificates, 'vek' | 'chain'>;
}

export interface JudgeServedReportOptions extends Omit<VerifySnpOptions, 'at'> {
    now: () => Date;
    /** Never from the bearer, who would choose an old one. */
    crlFor: (needs: AuthorityNeeds) => Promise<Buffer>;
}

/**
 * Judges a report by the certificates that came with it and a revocation list that did not.
 * @throws AttestationError when the list can't be had
 */
export async function judgeServedReport(
    { report, certificates }: ServedReport,
    { now, crlFor, ...options }: JudgeServedReportOptions,
): Promise<{ verdict: SnpVerdict; crl: Buffer | null }> {
    const crl = await crlOf();
    // After the fetch: a list issued this very second must not look as if it came from the future.
    return { verdict: verifySnpReport(report, { ...certificates, crl }, { ...options, at: now() }), crl };

    /** None for what is refused before a list is looked at. */
    async function crlOf(): Promise<Buffer | null> {
        try {
            return await crlFor(authorityNeeds(report, certificates, { at: now(), rootKeyHash: options.rootKeyHash }));
        } catch (error) {
            if (error instanceof AttestationError && error.code === 'evidence_unusable') return null;
            throw error;
        }
    }
}
