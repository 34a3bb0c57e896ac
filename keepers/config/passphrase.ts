import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../base';
import { ConfigError } from './errors';
import { readOwnersFile } from './owners-file';

/** Where the passphrase of encrypted key files comes from, the first that is there. */
const variables = {
    /** Number of an open file descriptor; read to its end, once. */
    fd: 'COCOON_KEY_PASSPHRASE_FD',
    /** A file for its owner only. */
    file: 'COCOON_KEY_PASSPHRASE_FILE',
    /** The passphrase itself. */
    text: 'COCOON_KEY_PASSPHRASE',
} as const;

/** As systemd hands it over: LoadCredential=key-passphrase:… or LoadCredentialEncrypted=. */
const credentialName = 'key-passphrase';

let remembered: string | undefined;

/**
 * The passphrase of this process, for all its key files.
 * @throws ConfigError `passphrase_missing`
 */
export function keyPassphrase(file: string): string {
    remembered ??= readPassphrase();
    if (remembered !== undefined) return remembered;
    throw new ConfigError(
        'passphrase_missing',
        `${file} is encrypted: give its passphrase by ${variables.file}, ${variables.fd}, ${variables.text}, or as the credential ${credentialName}`,
    );
}

/** For programs that ask a person; and for tests, which have several. */
export function usePassphrase(passphrase: string | undefined): void {
    remembered = passphrase;
}

function readPassphrase(): string | undefined {
    const { env } = process;
    const fd = env[variables.fd];
    const file = env[variables.file] ?? credential(env['CREDENTIALS_DIRECTORY']);
    const text = env[variables.text];
    // No program that this one starts needs to know.
    for (const name of Object.values(variables)) delete env[name];
    if (fd !== undefined) return readDescriptor(fd);
    if (file !== undefined) return firstLine(readOwnersFile(file));
    return text;
}

function credential(folder: string | undefined): string | undefined {
    if (folder === undefined) return undefined;
    const file = path.join(folder, credentialName);
    return existsSync(file) ? file : undefined;
}

function readDescriptor(fd: string): string {
    try {
        if (!/^\d{1,4}$/.test(fd)) throw new Error('it is no number');
        return firstLine(readFileSync(Number(fd), 'utf8'));
    } catch (error) {
        throw new ConfigError('passphrase_missing', `${variables.fd}=${fd}: ${errorMessage(error)}`, error);
    }
}

function firstLine(text: string): string {
    return text.split('\n', 1)[0]!.replace(/\r$/, '');
}
