import { createHash } from 'node:crypto';
import { checkReport } from './check-codes';
import type { DstackAttestation } from './report';

const addressLength = { ecdsa: 20, ed25519: 32 } as const;

/**
 * What a proxy has its quote bind, 64 bytes: who signs, then the nonce. Version 1: address | zeros, up to 32 bytes.
 * Version 2, with the certificate that serves TLS: SHA-256(address | SHA-256 of its public key info).
 */
export function dstackReportData(by: { signingAddress: Buffer; tlsFingerprint: Buffer | null; nonce: Buffer }): Buffer {
    return Buffer.concat([identityOf(by), by.nonce]);
}

function identityOf(by: { signingAddress: Buffer; tlsFingerprint: Buffer | null }): Buffer {
    if (by.tlsFingerprint !== null) {
        return createHash('sha256').update(by.signingAddress).update(by.tlsFingerprint).digest();
    }
    const identity = Buffer.alloc(32);
    by.signingAddress.copy(identity);
    return identity;
}

/**
 * Checks that the quote's report data binds the signing address, and the nonce where one is expected.
 * @returns the nonce that the quote carries
 */
export function checkReportData(attestation: DstackAttestation, reportData: Buffer, expectedNonce?: Buffer): Buffer {
    const { signingAddress, signingAlgo, tlsFingerprint } = attestation;
    checkReport(
        signingAddress.length === addressLength[signingAlgo] && (tlsFingerprint?.length ?? 32) === 32,
        'dstack_signing_address',
        `the signing address is none of ${signingAlgo}, or the TLS fingerprint is not 32 bytes`,
    );
    checkReport(
        identityOf(attestation).equals(reportData.subarray(0, 32)),
        'dstack_report_data',
        'the quote was not made for this signing address: its report data differs',
    );
    const nonce = reportData.subarray(32);
    checkReport(
        expectedNonce === undefined || expectedNonce.equals(nonce),
        'dstack_nonce',
        'the quote was not made for this nonce: it may be an old one',
    );
    checkClaims(attestation, reportData);
    return nonce;
}

/** A report that contradicts its own quote was put together by hand. */
function checkClaims(attestation: DstackAttestation, reportData: Buffer): void {
    const { requestNonce, reportData: claimed } = attestation;
    const agrees = (requestNonce?.equals(reportData.subarray(32)) ?? true) && (claimed?.equals(reportData) ?? true);
    checkReport(agrees, 'dstack_claims', 'the report names another nonce or report data than its quote carries');
}
