import { CocoonError } from '../base';

export type ConfigErrorCode =
    | 'config_unreadable'
    | 'config_invalid'
    | 'secret_unreadable'
    | 'secret_exposed'
    | 'secret_invalid'
    | 'passphrase_missing'
    | 'passphrase_wrong';

/** Something in a configuration file, the environment or a key file is wrong: always the operator's to fix. */
export class ConfigError extends CocoonError<ConfigErrorCode> {
    constructor(code: ConfigErrorCode, message: string, cause?: unknown) {
        super(code, message, { action: 'fix', cause });
    }
}
