import { quoteVerifierErrors } from './quote-verifier';

/** What was sent when the contract refused: the same wrong thing has another name in each. */
export type VerifierMessage = 'quote' | 'tcb info' | 'qe identity' | 'root revocation list' | 'pck revocation list';

/** Wrong certificates, by whose they are. */
type CertificateProblem = 'encoding' | 'names' | 'constraints' | 'validity' | 'signature';

const certificateProblems: Readonly<Record<string, CertificateProblem>> = {
    'malformed certificate': 'encoding',
    'certificate key is not P-256': 'encoding',
    'not a PCK CA certificate': 'names',
    'not a PCK certificate of this CA': 'names',
    'not a TCB signing certificate': 'names',
    'certificate has the wrong role': 'constraints',
    'certificate is expired or not yet valid': 'validity',
    'CA certificate is not signed by the root': 'signature',
    'PCK certificate is not signed by its CA': 'signature',
    'TCB signing certificate is not signed by the root': 'signature',
};

/** Off-chain checks of a quote by the contract's text. */
const quoteProblems: Readonly<Record<string, string>> = {
    'unsupported quote version': 'quote_version',
    'unsupported quote body': 'quote_body_type',
    'attestation key is not P-256': 'quote_key_type',
    'not a TDX quote': 'quote_tee_type',
    'quoting enclave vendor is not Intel': 'quote_vendor',
    'field has another size': 'quote_length',
    'malformed platform extension': 'pck_extension',
    'revocation list of the root is not in force': 'root_crl_dates',
    'PCK CA is revoked': 'pck_ca_revoked',
    'revocation list of another authority': 'pck_crl_chain',
    'revocation list is not in force': 'pck_crl_dates',
    'PCK certificate is revoked': 'pck_revoked',
    'signer of the TCB info is revoked': 'tcb_signer_revoked',
    'signer of the QE identity is revoked': 'qe_signer_revoked',
    'no TCB info of this family and evaluation': 'tcb_info_fmspc',
    'TCB info of another PCE': 'tcb_info_pce_id',
    'TCB info is not in force': 'tcb_info_dates',
    'evaluation below the floor': 'tcb_evaluation_number',
    'QE identity is not in force': 'qe_identity_dates',
    'QE report is not signed by the PCK key': 'qe_report_signature',
    'attestation key is not bound to the QE report': 'qe_report_data',
    'QE has another miscselect': 'qe_miscselect',
    'QE has other attributes': 'qe_attributes',
    'QE has another signer': 'qe_mrsigner',
    'QE has another product id': 'qe_isvprodid',
    'QE is in debug mode': 'qe_debug',
    'QE is older than any level': 'qe_tcb_level',
    'attestation key is not on the curve': 'attestation_key',
    'quote is not signed by the attestation key': 'quote_signature',
    'TDX module has no identity': 'tdx_module_identity',
    'TDX module has another signer': 'tdx_module_mrsigner',
    'TDX module is not a production one': 'tdx_module_attributes',
    'platform is older than any level': 'tcb_level',
    'TDX module is older than any level': 'tdx_module_tcb_level',
    "platform's level is revoked": 'tcb_revoked',
    'current TDX module has no identity': 'current_tdx_module_identity',
    'platform is older than any level of the current module': 'current_tcb_level',
    'current TDX module is older than any level': 'current_tdx_module_tcb_level',
    'current level is revoked': 'current_tcb_revoked',
    'debug or reserved TD attribute': 'policy_debug',
    'block is not a recent one': 'policy_block',
};

const listProblems = (list: 'root_crl' | 'pck_crl'): Readonly<Record<string, string>> => ({
    'malformed revocation list': `${list}_encoding`,
    'Cell underflow': `${list}_encoding`,
    'Cell overflow': `${list}_encoding`,
    'revocation list of another authority': `${list}_issuer`,
    'revocation list is not signed by its authority': `${list}_signature`,
    'collateral is not in force': `${list}_dates`,
    'signer is revoked': 'pck_ca_revoked',
});

const textProblems = (text: 'tcb_info' | 'qe_identity', signer: string): Readonly<Record<string, string>> => ({
    'text is not as Intel writes it': `${text}_format`,
    'Cell underflow': `${text}_format`,
    'Cell overflow': `${text}_format`,
    'TCB info is not of TDX, version 3': 'tcb_info_id',
    'QE identity is not of the TD quoting enclave': 'qe_identity_id',
    'text is not signed by the TCB signing key': `${text}_signature`,
    'collateral is not in force': `${text}_dates`,
    'signer is revoked': signer,
    'evaluation below the floor': 'tcb_evaluation_number',
});

const problems: Record<
    VerifierMessage,
    { certificate: (problem: CertificateProblem) => string; other: Readonly<Record<string, string>> }
> = {
    quote: { certificate: (problem) => `pck_chain_${problem}`, other: quoteProblems },
    'tcb info': { certificate: () => 'tcb_info_chain', other: textProblems('tcb_info', 'tcb_signer_revoked') },
    'qe identity': { certificate: () => 'qe_identity_chain', other: textProblems('qe_identity', 'qe_signer_revoked') },
    'root revocation list': { certificate: () => 'root_crl_issuer', other: listProblems('root_crl') },
    'pck revocation list': { certificate: () => 'pck_crl_chain', other: listProblems('pck_crl') },
};

/**
 * The off-chain verifier's `failedCheck` that a refusal by QuoteVerifier corresponds to; null where there is none, as for too little value or
 * collateral that is missing or no newer than what is held.
 */
export function failedCheckOf(message: VerifierMessage, exitCode: number): string | null {
    const text = (quoteVerifierErrors.get(exitCode) ?? '').replace('QuoteVerifier: ', '');
    const { certificate, other } = problems[message];
    const problem = certificateProblems[text];
    return problem === undefined ? (other[text] ?? null) : certificate(problem);
}
