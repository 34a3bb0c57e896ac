import { CocoonError, type ErrorAction } from '../base';

/** Who broke the rules: the code that called us, or the bytes that a peer sent. */
export type Fault = 'caller' | 'peer';

/**
 * Every refusal of this folder. `stop` marks a peer that signed or encrypted something wrong: nothing more is sent to it.
 * `retry` may succeed elsewhere or later; `fix` needs another input.
 */
const kinds = {
    input_invalid: ['caller', 'fix'],
    state_invalid: ['caller', 'fix'],
    statement_malformed: ['peer', 'stop'],
    statement_signature_invalid: ['peer', 'stop'],
    statement_not_ours: ['peer', 'stop'],
    statement_not_current: ['peer', 'retry'],
    envelope_invalid: ['peer', 'fix'],
    cap_invalid: ['peer', 'fix'],
    context_not_ours: ['peer', 'fix'],
    offer_unknown: ['peer', 'retry'],
    kem_epoch_unknown: ['peer', 'retry'],
    deadline_passed: ['peer', 'fix'],
    request_undecryptable: ['peer', 'fix'],
    request_invalid: ['peer', 'fix'],
    request_replayed: ['peer', 'fix'],
    replay_memory_full: ['caller', 'retry'],
    frame_invalid: ['peer', 'stop'],
    frame_out_of_order: ['peer', 'stop'],
    frame_undecryptable: ['peer', 'stop'],
    receipt_invalid: ['peer', 'stop'],
    receipt_above_cap: ['peer', 'stop'],
    receipt_cost_wrong: ['peer', 'stop'],
    answer_truncated: ['peer', 'retry'],
} as const satisfies Record<string, readonly [Fault, ErrorAction]>;

export type ConfidentialErrorCode = keyof typeof kinds;

export class ConfidentialError extends CocoonError<ConfidentialErrorCode> {
    readonly fault: Fault;

    constructor(code: ConfidentialErrorCode, message: string, cause?: unknown) {
        super(code, message, { action: kinds[code][1], cause });
        this.fault = kinds[code][0];
    }
}

/** For messages about arguments: the only code that says "you called this wrongly". */
export function misuse(message: string): ConfidentialError {
    return new ConfidentialError('input_invalid', message);
}
