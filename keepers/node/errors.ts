import { CocoonError, type ErrorAction } from '../base';

/** Why a node refuses a request before its first frame; goes to the gateway in clear, so it never quotes the request. */
const refusals = {
    envelope_invalid: 'fix',
    context_unknown: 'retry',
    offer_unknown: 'retry',
    kem_epoch_unknown: 'retry',
    request_replayed: 'fix',
    answer_not_kept: 'retry',
    deadline_passed: 'retry',
    escrow_unknown: 'fix',
    session_unknown: 'fix',
    cap_invalid: 'fix',
    cap_too_low: 'fix',
    escrow_insufficient: 'fix',
    credit_line_reached: 'retry',
    request_invalid: 'fix',
    model_unknown: 'fix',
    node_busy: 'retry',
    node_draining: 'retry',
    chain_unavailable: 'retry',
} as const satisfies Record<string, ErrorAction>;

export type RefusalCode = keyof typeof refusals;

export class NodeRefusal extends CocoonError<RefusalCode> {
    constructor(
        code: RefusalCode,
        message: string,
        readonly retryAfterMs?: number,
    ) {
        super(code, message, { action: refusals[code] });
    }
}

/** An answer that stands still until its cap is raised, and is not. */
export class CapNotRaised extends CocoonError<'cap_not_raised'> {
    constructor() {
        const message = 'the cap of this request was not raised in time: top the escrow up, or ask for fewer tokens';
        super('cap_not_raised', message, { action: 'fix' });
    }
}

export type NodeErrorCode =
    | 'registration_failed'
    | 'quote_unavailable'
    | 'key_unavailable'
    | 'gpu_unavailable'
    | 'gpu_rejected'
    | 'engine_unavailable'
    | 'dispatcher_rejected'
    | 'bond_missing'
    | 'status_unreadable';

/** What keeps a node from serving at all; the message says what the provider should do. */
export class NodeError extends CocoonError<NodeErrorCode> {
    constructor(code: NodeErrorCode, message: string, options: { action?: ErrorAction; cause?: unknown } = {}) {
        super(code, message, { action: options.action ?? 'fix', cause: options.cause });
    }
}
