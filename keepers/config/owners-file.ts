import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../base';
import { ConfigError } from './errors';

const groupAndOthers = 0o077;
const groupWriteAndOthers = 0o037;

/**
 * systemd hands a credential (LoadCredential=) to the service's user by an access list, which shows as the group's right to
 * read; the folder lets nobody else in.
 */
function exposingModes(file: string): number {
    const folder = process.env['CREDENTIALS_DIRECTORY'];
    const isCredential = folder !== undefined && path.dirname(path.resolve(file)) === path.resolve(folder);
    return isCredential ? groupWriteAndOthers : groupAndOthers;
}

/** The text of a file that only its owner may read. @throws ConfigError */
export function readOwnersFile(file: string): string {
    try {
        const mode = statSync(file).mode;
        if (process.platform !== 'win32' && (mode & exposingModes(file)) !== 0) {
            throw new ConfigError('secret_exposed', `${file}: others can read this key: run chmod 600 ${file}`);
        }
        return readFileSync(file, 'utf8');
    } catch (error) {
        if (error instanceof ConfigError) throw error;
        throw new ConfigError('secret_unreadable', `${file}: ${errorMessage(error)}`, error);
    }
}
