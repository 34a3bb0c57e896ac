import { CocoonError, errorMessage } from '../base';
import { SettlementError } from './errors';

/** A node's log of which nothing can be settled while it is like this. */
export interface UnreadableLog {
    file: string;
    /** `log_missing`, `log_unreadable` or the ledger's `log_corrupt`. */
    code: string;
    /** What is wrong and what to do, with the file's name. */
    message: string;
}

export function unreadableLog(file: string, error: unknown): UnreadableLog {
    const { code, message } = error instanceof CocoonError ? (error as CocoonError) : systemError(file, error);
    return { file, code, message };
}

/** A path that is mistyped looks like a node that has not begun: nobody but the operator can tell. */
function systemError(file: string, error: unknown): SettlementError {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        return new SettlementError('log_unreadable', `${file} cannot be read: ${errorMessage(error)}`, {
            cause: error,
        });
    const why = 'check the path in nodeLogFiles; a node makes its log when it first starts';
    return new SettlementError('log_missing', `${file} is not there: ${why}`, { cause: error });
}
