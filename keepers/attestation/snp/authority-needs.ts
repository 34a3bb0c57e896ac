import { AttestationError } from '../errors';
import { FailedCheck } from '../verify/check-codes';
import type { AuthorityNeeds } from './kds/needs';
import { checkChain, type SnpCertificates } from './verify/chain';
import { openReport } from './verify/open-report';

/**
 * Which root's revocation list judges a report whose certificates came with it. They are checked up to the pinned root first,
 * so that nobody without a machine of his own can make a verifier ask the key distribution service for anything.
 */
export function authorityNeeds(
    report: Uint8Array,
    certificates: SnpCertificates,
    { at, rootKeyHash }: { at: Date; rootKeyHash?: Buffer },
): AuthorityNeeds {
    try {
        const { signingKey } = openReport(report);
        const { product } = checkChain(certificates, { signingKey, rootKeyHash, atMs: at.getTime() });
        return { line: product.line, signingKey };
    } catch (error) {
        if (!(error instanceof FailedCheck)) throw error;
        throw new AttestationError('evidence_unusable', `${error.code}: ${error.message}`, error);
    }
}
