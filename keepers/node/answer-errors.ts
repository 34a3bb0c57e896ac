import type { Logger } from '../base';
import { type AnswerError, isErrorParam } from '../confidential';
import { EngineError } from './engine';
import { CapNotRaised } from './errors';

/** How an answer ended, for whoever counts. */
export type Outcome = 'answered' | 'cancelled' | 'cap_not_raised' | 'engine_failed';

export function outcomeOf({ status, code }: AnswerError): Outcome {
    if (code === 'cancelled') return 'cancelled';
    if (status === 402) return 'cap_not_raised';
    return status >= 500 ? 'engine_failed' : 'answered';
}

/** Goes to the client inside the seal; to the log only as a code. */
export function asAnswerError(error: unknown, logger: Logger): AnswerError {
    if (error instanceof EngineError) {
        logger.info({ code: error.code }, 'the engine did not finish');
        const { code, message, param } = error;
        return { status: error.status, code, message, ...(isErrorParam(param) && { param }) };
    }
    if (error instanceof CapNotRaised) return { status: 402, code: error.code, message: error.message };
    logger.error({ err: error instanceof Error ? error.name : 'unknown' }, 'the engine failed');
    return { status: 502, code: 'engine_failed', message: 'the engine failed' };
}
