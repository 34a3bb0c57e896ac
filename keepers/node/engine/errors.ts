/** Stable codes; the first four are the caller's to fix, the others are worth a retry elsewhere. */
export type EngineErrorCode =
    | 'invalid_request'
    | 'unsupported_parameter'
    | 'context_length_exceeded'
    | 'model_not_found'
    | 'engine_overloaded'
    | 'engine_unavailable'
    | 'engine_timeout'
    | 'engine_failed'
    /** The engine answered without saying what it used, so nobody can be charged rightly. */
    | 'usage_missing'
    /** The engine's attestation is refused or missing, so nothing is sent to it. */
    | 'engine_unattested'
    /** The engine's signature does not hold for what it answered, so it is not charged. */
    | 'answer_unsigned'
    | 'cancelled';

const STATUS: Record<EngineErrorCode, number> = {
    invalid_request: 400,
    unsupported_parameter: 400,
    context_length_exceeded: 400,
    model_not_found: 404,
    engine_overloaded: 503,
    engine_unavailable: 503,
    engine_timeout: 504,
    engine_failed: 502,
    usage_missing: 502,
    engine_unattested: 503,
    answer_unsigned: 502,
    cancelled: 499,
};

export interface OpenAiErrorBody {
    error: { message: string; type: string; param: string | null; code: string };
}

export class EngineError extends Error {
    override readonly name = 'EngineError';
    readonly status: number;
    /** The request's field at fault, as OpenAI names it. */
    readonly param: string | null;

    constructor(
        readonly code: EngineErrorCode,
        message: string,
        options: { param?: string; cause?: unknown } = {},
    ) {
        super(message, { cause: options.cause });
        this.status = STATUS[code];
        this.param = options.param ?? null;
    }

    /** The JSON a client of OpenAI expects beside `status`. */
    toBody(): OpenAiErrorBody {
        const type = this.status < 500 ? 'invalid_request_error' : 'server_error';
        return { error: { message: this.message, type, param: this.param, code: this.code } };
    }
}

export function throwIfAborted(signal: AbortSignal): void {
    if (signal.aborted) throw cancelled(signal);
}

export function cancelled(signal: AbortSignal): EngineError {
    return new EngineError('cancelled', 'the request was cancelled', { cause: signal.reason });
}
