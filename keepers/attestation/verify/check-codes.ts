import { ZodError } from 'zod';

/**
 * Every reason for a refusal, in the order in which the checks run. The codes are stable: operators, logs, the gateway's
 * answers and the on-chain verifier's documentation refer to them.
 */
export const checkCodes = [
    // 0 clock, sizes and shape of the input
    'clock_invalid',
    'input_too_large',
    'collateral_format',
    // 1 header
    'quote_version',
    'quote_key_type',
    'quote_tee_type',
    'quote_vendor',
    'quote_body_type',
    // 2 lengths
    'quote_length',
    'quote_certification_type',
    // 3 PCK certificate chain
    'pck_chain_encoding',
    'pck_chain_root',
    'pck_chain_names',
    'pck_chain_constraints',
    'pck_chain_validity',
    'pck_chain_signature',
    'pck_extension',
    // 4 revocation lists
    'root_crl_encoding',
    'root_crl_issuer',
    'root_crl_signature',
    'root_crl_dates',
    'pck_ca_revoked',
    'pck_crl_chain',
    'pck_crl_encoding',
    'pck_crl_issuer',
    'pck_crl_signature',
    'pck_crl_dates',
    'pck_revoked',
    // 5 who signed the collateral
    'tcb_info_chain',
    'tcb_signer_revoked',
    'tcb_info_signature',
    'qe_identity_chain',
    'qe_signer_revoked',
    'qe_identity_signature',
    // 6 TCB info
    'tcb_info_format',
    'tcb_info_id',
    'tcb_info_dates',
    'tcb_info_fmspc',
    'tcb_info_pce_id',
    'tcb_evaluation_number',
    // 7 QE identity
    'qe_identity_format',
    'qe_identity_id',
    'qe_identity_dates',
    // 8 QE report
    'qe_report_signature',
    'qe_report_data',
    // 9 QE report against its identity
    'qe_miscselect',
    'qe_attributes',
    'qe_mrsigner',
    'qe_isvprodid',
    'qe_debug',
    'qe_tcb_level',
    // 10 quote signature
    'attestation_key',
    'quote_signature',
    // 11 TDX module
    'tdx_module_identity',
    'tdx_module_mrsigner',
    'tdx_module_attributes',
    // 12 and 13 TCB levels
    'tcb_level',
    'tdx_module_tcb_level',
    // 14 merge
    'tcb_revoked',
    // 15 the module now running (TD 1.5)
    'current_tdx_module_identity',
    'current_tcb_level',
    'current_tdx_module_tcb_level',
    'current_tcb_revoked',
    // 16 policy
    'policy_format',
    'policy_tee_type',
    'policy_debug',
    'policy_sept_ve_disable',
    'policy_xfam',
    'policy_mr_service_td',
    'policy_status',
    'policy_advisory',
    'policy_image',
    'policy_report_data',
    'policy_model',
    'policy_block',
    'policy_age',
    'policy_platform_denied',
    // a fault of the verifier itself: refused, and worth a report
    'internal_error',
] as const;

export type CheckCode = (typeof checkCodes)[number];

/** The first check that failed. Internal: it never leaves the verifier, which turns it into a verdict. */
export class FailedCheck<Code extends string> extends Error {
    constructor(
        readonly code: Code,
        message: string,
    ) {
        super(message);
    }
}

export class CheckFailure extends FailedCheck<CheckCode> {}

export function check(condition: boolean, code: CheckCode, message: string): asserts condition {
    if (!condition) {
        throw new CheckFailure(code, message);
    }
}

/** Runs a parser; whatever it throws means that the bytes are not in the format. */
export function parsed<T>(code: CheckCode, what: string, parse: () => T): T {
    try {
        return parse();
    } catch (error) {
        throw new CheckFailure(code, `${what}: ${reasonOf(error)}`);
    }
}

/** One short line: a schema's first complaint, or an error's message. */
export function reasonOf(error: unknown): string {
    if (error instanceof ZodError) {
        const { path, message } = error.issues[0]!;
        return [path.join('.'), message]
            .filter((part) => part !== '')
            .join(': ')
            .slice(0, 200);
    }
    return (error as Error).message.slice(0, 200);
}
