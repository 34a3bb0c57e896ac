import { verifySnpReport, type SnpVerdict, type VerifySnpOptions } from '../../../../keepers/attestation';
import { createSnpDevelopmentPki, type SnpPkiOptions } from '../../../../keepers/attestation/snp/mint/pki';
import {
    mintSnpReport,
    type MintedSnpEvidence,
    type MintSnpOptions,
} from '../../../../keepers/attestation/snp/mint/report';

export const now = new Date('2026-11-01T12:00:00Z');
export const seed = Buffer.alloc(32, 0x51);
export const reportData = Buffer.from(Array.from({ length: 64 }, (_, i) => i));

export const developmentPki = (options: Partial<SnpPkiOptions> = {}) =>
    createSnpDevelopmentPki({ seed, now, ...options });
export const pki = developmentPki();

export function snp(options: Partial<MintSnpOptions> = {}): MintedSnpEvidence {
    return mintSnpReport({ pki, reportData, ...options });
}

/** Judged under the development root and at the time of minting, unless told otherwise. */
export function judge(evidence: MintedSnpEvidence, options: Partial<VerifySnpOptions> = {}): SnpVerdict {
    return verifySnpReport(evidence.report, evidence.certificates, {
        at: now,
        rootKeyHash: pki.rootKeyHash,
        ...options,
    });
}
