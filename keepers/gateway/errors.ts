import { CocoonError, type ErrorAction } from '../base';

type Answer = readonly [status: number, type: string, action: ErrorAction];

/** What the gateway answers: HTTP status and OpenAI's error type for each code. */
const answers = {
    invalid_json: [400, 'invalid_request_error', 'fix'],
    invalid_request: [400, 'invalid_request_error', 'fix'],
    unsupported_parameter: [400, 'invalid_request_error', 'fix'],
    invalid_api_key: [401, 'authentication_error', 'fix'],
    escrow_not_open: [402, 'insufficient_quota', 'fix'],
    escrow_insufficient: [402, 'insufficient_quota', 'fix'],
    budget_exhausted: [402, 'insufficient_quota', 'fix'],
    model_not_allowed: [403, 'permission_error', 'fix'],
    reader_too_slow: [408, 'invalid_request_error', 'retry'],
    not_found: [404, 'invalid_request_error', 'fix'],
    model_not_found: [404, 'invalid_request_error', 'fix'],
    method_not_allowed: [405, 'invalid_request_error', 'fix'],
    idempotency_answer_gone: [410, 'idempotency_error', 'stop'],
    request_too_large: [413, 'invalid_request_error', 'fix'],
    idempotency_key_reused: [422, 'idempotency_error', 'fix'],
    rate_limit_exceeded: [429, 'rate_limit_error', 'retry'],
    too_many_concurrent_requests: [429, 'rate_limit_error', 'retry'],
    capacity_exhausted: [429, 'rate_limit_error', 'retry'],
    price_too_high: [400, 'invalid_request_error', 'fix'],
    internal_error: [500, 'server_error', 'retry'],
    node_failed: [502, 'server_error', 'retry'],
    answer_truncated: [502, 'server_error', 'retry'],
    answer_invalid: [502, 'server_error', 'stop'],
    no_trusted_node: [503, 'server_error', 'retry'],
    dispatcher_unavailable: [503, 'server_error', 'retry'],
    chain_unavailable: [503, 'server_error', 'retry'],
    ledger_unavailable: [503, 'server_error', 'retry'],
    request_timeout: [504, 'server_error', 'retry'],
} as const satisfies Record<string, Answer>;

export type GatewayErrorCode = keyof typeof answers;

export interface GatewayErrorOptions {
    /** The request's field at fault. */
    param?: string;
    retryAfterMs?: number;
    /** For the answer that tells of the error. */
    headers?: Record<string, string>;
    cause?: unknown;
}

/** An error in OpenAI's shape, so that every client library understands it. */
export class GatewayError extends CocoonError<GatewayErrorCode> {
    readonly status: number;
    readonly param: string | null;
    readonly retryAfterMs: number | undefined;
    headers: Record<string, string>;

    constructor(code: GatewayErrorCode, message: string, options: GatewayErrorOptions = {}) {
        super(code, message, { action: answers[code][2], cause: options.cause });
        this.status = answers[code][0];
        this.param = options.param ?? null;
        this.retryAfterMs = options.retryAfterMs;
        this.headers = options.headers ?? {};
    }

    toJSON(): { error: { message: string; type: string; param: string | null; code: string } } {
        return { error: { message: this.message, type: answers[this.code][1], param: this.param, code: this.code } };
    }
}
