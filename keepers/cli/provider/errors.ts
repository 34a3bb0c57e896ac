import { CocoonError } from '../../base';

export type ProviderErrorCode = 'argument_invalid' | 'directory_unreadable';

const actions = { argument_invalid: 'fix', directory_unreadable: 'retry' } as const;

/** Of the commands that a provider runs beside its node. */
export class ProviderError extends CocoonError<ProviderErrorCode> {
    constructor(code: ProviderErrorCode, message: string, cause?: unknown) {
        super(code, message, { action: actions[code], cause });
    }
}
