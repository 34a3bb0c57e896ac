import type { Certificate } from '../parse/certificate';
import type { RevocationList } from '../parse/crl';
import { parseHex } from '../parse/pem';
import type { PlatformFacts } from '../parse/sgx-extension';
import { parseQeIdentity, parseTcbInfo, type QeIdentity, type TcbInfo } from '../parse/signed-json';
import type { Collateral } from '../collateral-shape';
import { pckCaChainShape, tcbSignerChainShape, type ChainChecker, type ChainShape } from './certificate-chain';
import { check, parsed, type CheckCode } from './check-codes';
import { acceptCrl, isRevoked } from './revocation';
import { isSignedRaw } from './signature';

export interface CollateralContext {
    chains: ChainChecker;
    atMs: number;
    isTdx: boolean;
}

const expired = 'is not in force at that date: fetch collateral again';

/** Step 4: nothing of the PCK chain is revoked. Returns the lists; step 5 needs the root's too. */
export function checkRevocation(
    collateral: Collateral,
    [leaf, authority, root]: Certificate[],
    context: CollateralContext,
): { rootCrl: RevocationList; pckCrl: RevocationList } {
    const { chains, atMs } = context;
    const rootCrl = acceptCrl(collateral.root_ca_crl, 'root', { chains, atMs, issuer: root! });
    check(!isRevoked(rootCrl, authority!), 'pck_ca_revoked', "the PCK certificate's authority is revoked");
    const [issuer] = chainOrRefuse(collateral.pck_crl_issuer_chain, pckCaChainShape, context, 'pck_crl_chain');
    const sameAuthority = issuer!.subject.equals(authority!.subject) && issuer!.spki.equals(authority!.spki);
    check(sameAuthority, 'pck_crl_chain', "the revocation list is of another authority than the PCK certificate's");
    const pckCrl = acceptCrl(collateral.pck_crl, 'pck', { chains, atMs, issuer: authority! });
    check(
        !isRevoked(pckCrl, leaf!),
        'pck_revoked',
        "the platform's PCK certificate is revoked: do not use this machine",
    );
    return { rootCrl, pckCrl };
}

function chainOrRefuse(pem: string, shape: ChainShape, context: CollateralContext, code: CheckCode): Certificate[] {
    return parsed(code, 'certificate chain of the collateral', () => context.chains.check(pem, shape));
}

/** Step 5: both texts are signed, over the very bytes received, by a TCB signing certificate that is not revoked. */
export function checkCollateralSignatures(
    collateral: Collateral,
    rootCrl: RevocationList,
    context: CollateralContext,
): void {
    checkSigned(collateral.tcb_info, collateral.tcb_info_signature, {
        signer: signerOf(collateral.tcb_info_issuer_chain, 'tcb_info_chain'),
        codes: { revoked: 'tcb_signer_revoked', signature: 'tcb_info_signature' },
    });
    checkSigned(collateral.qe_identity, collateral.qe_identity_signature, {
        signer: signerOf(collateral.qe_identity_issuer_chain, 'qe_identity_chain'),
        codes: { revoked: 'qe_signer_revoked', signature: 'qe_identity_signature' },
    });

    function signerOf(chain: string, code: CheckCode): Certificate {
        return chainOrRefuse(chain, tcbSignerChainShape, context, code)[0]!;
    }

    function checkSigned(
        text: string,
        signatureHex: string,
        { signer, codes }: { signer: Certificate; codes: { revoked: CheckCode; signature: CheckCode } },
    ): void {
        check(!isRevoked(rootCrl, signer), codes.revoked, 'the TCB signing certificate is revoked');
        const signature = parsed(codes.signature, 'signature of the collateral', () => parseHex(signatureHex));
        check(
            isSignedRaw(context.chains.keyOf(signer), Buffer.from(text, 'utf8'), signature),
            codes.signature,
            'a text of the collateral is not signed by its signing certificate, or was changed since',
        );
    }
}

/** Step 6: the TCB info is of this platform family and in force. */
export function acceptTcbInfo(
    text: string,
    platform: PlatformFacts,
    minEvaluationNumber: number,
    { isTdx, atMs }: CollateralContext,
): TcbInfo {
    const info = parsed('tcb_info_format', 'TCB info', () => parseTcbInfo(text));
    const id = isTdx ? 'TDX' : 'SGX';
    check(info.id === id && info.version >= 3, 'tcb_info_id', `the TCB info is not of ${id}, version 3 or later`);
    check(isInForce(info, atMs), 'tcb_info_dates', `the TCB info ${expired}`);
    const otherFamily = 'the TCB info is of another platform family than the PCK certificate';
    check(platform.fmspc.equals(Buffer.from(info.fmspc, 'hex')), 'tcb_info_fmspc', otherFamily);
    check(platform.pceId.equals(Buffer.from(info.pceId, 'hex')), 'tcb_info_pce_id', otherFamily);
    check(
        info.tcbEvaluationDataNumber >= minEvaluationNumber,
        'tcb_evaluation_number',
        `the TCB info is of evaluation ${info.tcbEvaluationDataNumber}, older than ${minEvaluationNumber}: fetch collateral again`,
    );
    return info;
}

/** Step 7: the QE identity is of the right quoting enclave and in force. */
export function acceptQeIdentity(text: string, { isTdx, atMs }: CollateralContext): QeIdentity {
    const identity = parsed('qe_identity_format', 'QE identity', () => parseQeIdentity(text));
    const id = isTdx ? 'TD_QE' : 'QE';
    check(identity.id === id && identity.version >= 2, 'qe_identity_id', `the QE identity is not of ${id}`);
    check(isInForce(identity, atMs), 'qe_identity_dates', `the QE identity ${expired}`);
    return identity;
}

function isInForce({ issueDate, nextUpdate }: { issueDate: string; nextUpdate: string }, atMs: number): boolean {
    return Date.parse(issueDate) <= atMs && atMs <= Date.parse(nextUpdate);
}
