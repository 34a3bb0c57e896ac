import { CocoonError, type CocoonErrorOptions } from '../base';

/**
 * - `evidence_unusable`: evidence from which not even the needed collateral can be told
 * - `collateral_unavailable`: the collateral service does not answer, and nothing cached is in force
 * - `collateral_malformed`: the service answers, but not as Intel's service would
 * - `nras_unavailable`: NVIDIA's attestation service does not answer, or not as it should
 * - `file_unusable`: a file named by the operator cannot be read or is not of its format
 */
export type AttestationErrorCode =
    'evidence_unusable' | 'collateral_unavailable' | 'collateral_malformed' | 'nras_unavailable' | 'file_unusable';

const actions = {
    evidence_unusable: 'fix',
    collateral_unavailable: 'retry',
    collateral_malformed: 'retry',
    nras_unavailable: 'retry',
    file_unusable: 'fix',
} as const satisfies Record<AttestationErrorCode, CocoonErrorOptions['action']>;

/** What keeps evidence from being judged at all. Evidence that is judged and found wanting is a verdict, never an error. */
export class AttestationError extends CocoonError<AttestationErrorCode> {
    constructor(code: AttestationErrorCode, message: string, cause?: unknown) {
        super(code, message, { action: actions[code], cause });
    }
}
