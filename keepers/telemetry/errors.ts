import { CocoonError, type ErrorAction } from '../base';

/** What an admin endpoint answers: HTTP status and the caller's move for each code. */
const answers = {
    admin_body_invalid: [400, 'fix'],
    admin_token_wrong: [401, 'fix'],
    admin_token_missing: [403, 'fix'],
    admin_host_refused: [403, 'fix'],
    admin_origin_refused: [403, 'fix'],
    admin_not_found: [404, 'fix'],
    admin_method_refused: [405, 'fix'],
    admin_not_now: [409, 'retry'],
    admin_body_too_large: [413, 'fix'],
    admin_content_type: [415, 'fix'],
    admin_failed: [500, 'retry'],
} as const satisfies Record<string, readonly [number, ErrorAction]>;

export type AdminErrorCode = keyof typeof answers;

export class AdminError extends CocoonError<AdminErrorCode> {
    readonly status: number;

    constructor(code: AdminErrorCode, message: string, cause?: unknown) {
        super(code, message, { action: answers[code][1], cause });
        this.status = answers[code][0];
    }

    toJSON(): { error: { code: string; message: string } } {
        return { error: { code: this.code, message: this.message } };
    }
}
