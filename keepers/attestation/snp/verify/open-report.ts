import { readGuestPolicy } from '../parse/guest-policy';
import { parseReport, type SigningKeyKind, type SnpReport } from '../parse/report';
import { checkSnp, parsedSnp } from './check-codes';

/** Versions whose fields are known here. A later one would be refused until someone has read what it changed. */
const versions = { from: 2, to: 5 };
const ecdsaP384Sha384 = 1;
/** Author key present, chip key masked, and which key signs; the rest is reserved. */
const knownKeyInfo = 0b11111;

/** A report of a form that is known here, and which key signed it; nothing in it is verified yet. */
export function openReport(bytes: Uint8Array): { report: SnpReport; signingKey: SigningKeyKind } {
    checkSnp(bytes instanceof Uint8Array, 'report_length', 'the report is not a byte array');
    // A copy: what is judged is what was measured, whatever the caller's array does meanwhile.
    const report = parsedSnp('report_length', 'report', () => parseReport(Buffer.from(bytes)));
    const { version, signingKey, keyInfo } = report;
    const known = version >= versions.from && version <= versions.to;
    checkSnp(known, 'report_version', `reports of version ${version} are not supported`);
    const algorithm = report.signatureAlgorithm;
    checkSnp(algorithm === ecdsaP384Sha384, 'report_signature_algorithm', 'the report is not signed with ECDSA P-384');
    const names = signingKey !== null && !report.chipKeyMasked && keyInfo >>> 0 <= knownKeyInfo;
    checkSnp(names, 'report_signing_key', 'the report names no key that signs it: the host withholds its chip key');
    const { wellFormed } = readGuestPolicy(report.policy);
    checkSnp(wellFormed, 'report_guest_policy', 'the guest policy has bits that are not known here');
    return { report, signingKey };
}
