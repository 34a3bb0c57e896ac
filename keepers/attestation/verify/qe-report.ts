import { createHash, type KeyObject } from 'node:crypto';
import { isDebugEnclave } from '../parse/bodies';
import type { Quote } from '../parse/quote';
import type { IsvTcbLevel, QeIdentity } from '../parse/signed-json';
import { check, CheckFailure } from './check-codes';
import { isSignedRaw } from './signature';

/** Step 8: the quoting enclave's report is signed by the platform's key and names the attestation key. */
export function checkQeReport(quote: Quote, pckKey: KeyObject | null): void {
    check(
        isSignedRaw(pckKey, quote.qeReportBytes, quote.qeReportSignature),
        'qe_report_signature',
        "the quoting enclave's report is not signed by the PCK certificate's key",
    );
    const named = createHash('sha256').update(quote.attestationKey).update(quote.qeAuthData).digest();
    const { reportData } = quote.qeReport;
    check(
        reportData.subarray(0, 32).equals(named) && reportData.subarray(32).every((byte) => byte === 0),
        'qe_report_data',
        "the quoting enclave's report does not name this attestation key",
    );
}

/** Step 9: the enclave is Intel's quoting enclave; the level of its version. */
export function matchQeIdentity(quote: Quote, identity: QeIdentity): IsvTcbLevel {
    const report = quote.qeReport;
    const differs = (field: string) => `the quoting enclave's ${field} is not what Intel's QE identity says`;
    const miscselect = reversed(report.miscSelect);
    check(
        equalUnderMask(miscselect, identity.miscselect, identity.miscselectMask),
        'qe_miscselect',
        differs('miscselect'),
    );
    check(
        equalUnderMask(report.attributes, identity.attributes, identity.attributesMask),
        'qe_attributes',
        differs('attributes'),
    );
    check(report.mrSigner.equals(Buffer.from(identity.mrsigner, 'hex')), 'qe_mrsigner', differs('signer'));
    check(report.isvProdId === identity.isvprodid, 'qe_isvprodid', differs('product id'));
    check(!isDebugEnclave(report), 'qe_debug', 'the quoting enclave runs in debug mode');
    return levelOf(
        identity.tcbLevels,
        report.isvSvn,
        'qe_tcb_level',
        'the quoting enclave is older than any level of its identity',
    );
}

/** The identity writes miscselect as a number, the report as little-endian bytes. */
function reversed(bytes: Buffer): Buffer {
    return Buffer.from(bytes).reverse();
}

/** Bits under the mask equal; the expected value is masked too, as a value may carry bits its mask ignores. */
export function equalUnderMask(actual: Buffer, expectedHex: string, maskHex: string): boolean {
    const expected = Buffer.from(expectedHex, 'hex');
    const mask = Buffer.from(maskHex, 'hex');
    return actual.every((byte, i) => (byte & mask[i]!) === (expected[i]! & mask[i]!));
}

/** The first level, in Intel's order, that this version reaches. */
export function levelOf(
    levels: IsvTcbLevel[],
    isvSvn: number,
    code: 'qe_tcb_level' | 'tdx_module_tcb_level' | 'current_tdx_module_tcb_level',
    message: string,
): IsvTcbLevel {
    const level = levels.find(({ tcb }) => isvSvn >= tcb.isvsvn);
    if (level === undefined) {
        throw new CheckFailure(code, message);
    }
    return level;
}
