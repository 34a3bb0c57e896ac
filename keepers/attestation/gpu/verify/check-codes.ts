import { ZodError } from 'zod';

/** Every reason for a refusal of GPU evidence, in the order in which the checks run. The codes are stable. */
export const gpuCheckCodes = [
    // 0 clock, policy and shape of the input
    'clock_invalid',
    'gpu_policy_format',
    'gpu_evidence_format',
    // 1 the bundle names this evidence
    'gpu_evidence_digest',
    // 2 each GPU: bytes of the report
    'gpu_report_format',
    // 3 its certificates
    'gpu_chain_encoding',
    'gpu_chain_root',
    'gpu_chain_names',
    'gpu_chain_constraints',
    'gpu_chain_validity',
    'gpu_chain_signature',
    // 4 what the leaf signs
    'gpu_report_signature',
    'gpu_fwid',
    'gpu_firmware_unsafe',
    'gpu_architecture',
    // 5 for whom it was made
    'gpu_nonce',
    // 6 what the host says beside it
    'gpu_statement',
    'gpu_cc_off',
    'gpu_dev_tools',
    // 7 all GPUs together
    'gpu_repeated',
    // 8 policy
    'policy_gpu_architecture',
    'policy_gpu_count',
    'policy_gpu_mode',
    'policy_gpu_denied',
    // 9 NVIDIA's token, where one is judged
    'nras_format',
    'nras_algorithm',
    'nras_key',
    'nras_signature',
    'nras_claims_format',
    'nras_issuer',
    'nras_dates',
    'nras_nonce',
    'nras_count',
    'nras_digest',
    'nras_device',
    'nras_revoked',
    'nras_measurements',
    'nras_debug',
    'nras_claims',
    'nras_result',
    // a fault of the verifier itself: refused, and worth a report
    'internal_error',
] as const;

export type GpuCheckCode = (typeof gpuCheckCodes)[number];

/** The first check that failed. Internal: it never leaves the verifier, which turns it into a verdict. */
export class GpuCheckFailure extends Error {
    constructor(
        readonly code: GpuCheckCode,
        message: string,
    ) {
        super(message);
    }
}

export function check(condition: boolean, code: GpuCheckCode, message: string): asserts condition {
    if (!condition) throw new GpuCheckFailure(code, message);
}

/** Runs a parser; whatever it throws means that the input is not in the format. */
export function parsed<T>(code: GpuCheckCode, what: string, parse: () => T): T {
    try {
        return parse();
    } catch (error) {
        throw new GpuCheckFailure(code, `${what}: ${reasonOf(error)}`);
    }
}

/** Whatever is no refusal is a fault of ours. */
export function failureOf(error: unknown): GpuCheckFailure {
    if (error instanceof GpuCheckFailure) return error;
    return new GpuCheckFailure('internal_error', 'the verifier failed on this input: keep it and report it');
}

function reasonOf(error: unknown): string {
    if (error instanceof ZodError) {
        const { path, message } = error.issues[0]!;
        return [path.join('.'), message]
            .filter((part) => part !== '')
            .join(': ')
            .slice(0, 200);
    }
    return (error as Error).message.slice(0, 200);
}
