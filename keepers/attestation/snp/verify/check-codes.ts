import { FailedCheck, reasonOf } from '../../verify/check-codes';

/** Every reason for refusing SEV-SNP evidence, in the order in which the checks run. The codes are stable. */
export const snpCheckCodes = [
    // clock, sizes, policy
    'clock_invalid',
    'input_too_large',
    'policy_format',
    // report
    'report_length',
    'report_version',
    'report_signature_algorithm',
    'report_signing_key',
    'report_guest_policy',
    // certificate chain: endorsement key, its authority (ASK or ASVK), root (ARK)
    'vek_chain_encoding',
    'vek_chain_root',
    'vek_chain_names',
    'vek_chain_constraints',
    'vek_chain_validity',
    'vek_chain_signature',
    // revocation list of the root
    'ark_crl_missing',
    'ark_crl_encoding',
    'ark_crl_issuer',
    'ark_crl_signature',
    'ark_crl_dates',
    'ask_revoked',
    // what the certificate says against what the report says
    'vek_extension',
    'vek_product',
    'vek_tcb',
    'vek_chip_id',
    'cpu_product',
    'report_signature',
    // policy
    'policy_product',
    'policy_signing_key',
    'policy_debug',
    'policy_migration_agent',
    'policy_smt',
    'policy_single_socket',
    'policy_vmpl',
    'policy_tcb',
    'policy_launch_tcb',
    'policy_image',
    'policy_report_data',
    'policy_model',
    'policy_block',
    'policy_age',
    'policy_platform_unknown',
    'policy_platform_denied',
    // a fault of the verifier itself: refused, and worth a report
    'internal_error',
] as const;

export type SnpCheckCode = (typeof snpCheckCodes)[number];

export function checkSnp(condition: boolean, code: SnpCheckCode, message: string): asserts condition {
    if (!condition) {
        throw new FailedCheck<SnpCheckCode>(code, message);
    }
}

/** Runs a parser; whatever it throws means that the bytes are not in the format. */
export function parsedSnp<T>(code: SnpCheckCode, what: string, parse: () => T): T {
    try {
        return parse();
    } catch (error) {
        throw new FailedCheck<SnpCheckCode>(code, `${what}: ${reasonOf(error)}`);
    }
}
