import { CocoonError, type ErrorAction } from '../../base';

export type ChainErrorCode =
    | 'malformed_request'
    | 'unknown_method'
    | 'unknown_route'
    | 'incorrect_address'
    | 'body_too_large'
    | 'message_refused'
    | 'trace_too_long'
    | 'emulation_failed'
    | 'block_not_found'
    | 'transaction_not_found'
    | 'config_param_not_found'
    | 'faucet_short'
    | 'queue_full'
    | 'queue_timeout'
    | 'closed'
    | 'state_in_use'
    | 'state_corrupt'
    | 'state_mismatch';

/** The status toncenter answers with where it has an equivalent. */
const statuses: Record<ChainErrorCode, number> = {
    malformed_request: 422,
    unknown_method: 422,
    unknown_route: 404,
    incorrect_address: 416,
    body_too_large: 413,
    message_refused: 500,
    trace_too_long: 500,
    emulation_failed: 500,
    block_not_found: 500,
    transaction_not_found: 500,
    config_param_not_found: 500,
    faucet_short: 422,
    queue_full: 429,
    queue_timeout: 504,
    closed: 503,
    state_in_use: 500,
    state_corrupt: 500,
    state_mismatch: 500,
};

const retryable: ChainErrorCode[] = ['queue_full', 'queue_timeout', 'closed', 'state_in_use'];

function actionOf(code: ChainErrorCode): ErrorAction {
    if (code === 'state_corrupt') return 'stop';
    return retryable.includes(code) ? 'retry' : 'fix';
}

/** A refusal of the development chain; `httpStatus` is what a client sees. */
export class ChainError extends CocoonError<ChainErrorCode> {
    constructor(code: ChainErrorCode, message: string, cause?: unknown) {
        super(code, message, { action: actionOf(code), cause });
    }

    get httpStatus(): number {
        return statuses[this.code];
    }
}
