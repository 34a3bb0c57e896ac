import { CocoonError, type ErrorAction } from '../base';

export type OperatorErrorCode = 'argument_invalid' | 'not_ready' | 'plan_invalid' | 'result_not_seen' | 'refused';

/** An operator's act cannot be done as asked; the message says what to do instead. */
export class OperatorError extends CocoonError<OperatorErrorCode> {
    constructor(code: OperatorErrorCode, message: string, options: { action?: ErrorAction; cause?: unknown } = {}) {
        super(code, message, { action: options.action ?? 'fix', cause: options.cause });
    }
}
