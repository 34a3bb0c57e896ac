/**
 * Every reason for which a dstack report is refused although its quote is good, in the order in which the checks run. The
 * quote's own codes come before all of these.
 */
export const dstackCheckCodes = [
    // report data
    'dstack_signing_address',
    'dstack_report_data',
    'dstack_nonce',
    'dstack_claims',
    // RTMR3
    'dstack_event_log',
    'dstack_event_digest',
    'dstack_rtmr3',
    // what was deployed
    'dstack_app_compose',
    'dstack_mr_config_id',
    // GPUs
    'dstack_gpu_nonce',
    'dstack_gpu_missing',
    'dstack_gpu_evidence',
    // what the verifier's owner accepts
    'dstack_os_denied',
    'dstack_compose_denied',
] as const;

export type DstackCheckCode = (typeof dstackCheckCodes)[number];

/** The first check that failed. Internal: it never leaves the verifier, which turns it into a verdict. */
export class DstackFailure extends Error {
    constructor(
        readonly code: DstackCheckCode,
        message: string,
    ) {
        super(message);
    }
}

export function checkReport(condition: boolean, code: DstackCheckCode, message: string): asserts condition {
    if (!condition) throw new DstackFailure(code, message);
}
