/**
 * Errors of every keeper. `action` groups them by what the caller should do:
 * - `fix`: the request, configuration or input is wrong; trying again unchanged cannot help
 * - `retry`: the same call may succeed later
 * - `stop`: an invariant is broken or trust is lost; a person must look
 */
export type ErrorAction = 'fix' | 'retry' | 'stop';

export interface CocoonErrorOptions {
    action: ErrorAction;
    /** Facts for logs and machines. Never keys, prompts or answers. */
    context?: Record<string, string | number | boolean | null>;
    cause?: unknown;
}

/** Base of all errors that cross a module's boundary. `code` is stable; `message` says what to do. */
export class CocoonError<Code extends string = string> extends Error {
    readonly code: Code;
    readonly action: ErrorAction;
    readonly context: Record<string, string | number | boolean | null>;

    constructor(code: Code, message: string, options: CocoonErrorOptions) {
        super(message, { cause: options.cause });
        this.name = new.target.name;
        this.code = code;
        this.action = options.action;
        this.context = options.context ?? {};
    }
}

export function errorMessage(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

export function isRetryable(error: unknown): boolean {
    return error instanceof CocoonError && error.action === 'retry';
}
