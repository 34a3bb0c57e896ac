import { CocoonError, type ErrorAction } from '../base';

/** What a dispatcher answers, with the HTTP status and the caller's move for each code (docs/protocol.md). */
const answers = {
    envelope_invalid: [400, 'fix'],
    escrow_insufficient: [402, 'fix'],
    cap_invalid: [403, 'fix'],
    session_unknown: [403, 'fix'],
    escrow_unknown: [403, 'fix'],
    not_found: [404, 'fix'],
    node_unknown: [404, 'retry'],
    request_unknown: [404, 'fix'],
    request_replayed: [409, 'fix'],
    cap_regression: [409, 'fix'],
    body_too_large: [413, 'fix'],
    node_busy: [429, 'retry'],
    link_full: [429, 'retry'],
    node_lost: [502, 'retry'],
    node_refused: [503, 'retry'],
    draining: [503, 'retry'],
    chain_unavailable: [503, 'retry'],
    deadline_passed: [504, 'retry'],
} as const satisfies Record<string, readonly [number, ErrorAction]>;

export type DispatchErrorCode = keyof typeof answers;

export interface DispatchErrorOptions {
    retryAfterMs?: number;
    /** The node's own code where it refused. */
    nodeCode?: string;
    cause?: unknown;
}

export class DispatchError extends CocoonError<DispatchErrorCode> {
    readonly status: number;
    readonly retryAfterMs: number | undefined;
    readonly nodeCode: string | undefined;

    constructor(code: DispatchErrorCode, message: string, options: DispatchErrorOptions = {}) {
        super(code, message, { action: answers[code][1], cause: options.cause });
        this.status = answers[code][0];
        this.retryAfterMs = options.retryAfterMs;
        this.nodeCode = options.nodeCode;
    }

    /** The body of the HTTP answer. */
    toJSON(): { error: { code: string; message: string; retryAfterMs?: number; nodeCode?: string } } {
        const { code, message, retryAfterMs, nodeCode } = this;
        return { error: { code, message, ...(retryAfterMs && { retryAfterMs }), ...(nodeCode && { nodeCode }) } };
    }
}
