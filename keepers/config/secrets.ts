import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

/** Reads a secret file that only its owner may read. */
export function readSecretFile(file: string): string {
    try {
        const mode = statSync(file).mode;
        if (process.platform !== 'win32' && (mode & exposingModes(file)) !== 0) {
            throw new ConfigError('secret_exposed', `${file}: others can read this key: run chmod 600 ${file}`);
        }
        return readFileSync(file, 'utf8').trim();
    } catch (error) {
        if (error instanceof ConfigError) throw error;
        throw new ConfigError('secret_unreadable', `${file}: ${errorMessage(error)}`, error);
    }
}

/** A 32-byte seed in hex. */
export function readSeedFile(file: string): Buffer {
    const text = readSecretFile(file);
    if (!/^[0-9a-f]{64}$/i.test(text)) {
        throw new ConfigError('secret_invalid', `${file}: must hold 32 bytes in hex, nothing else`);
    }
    return Buffer.from(text, 'hex');
}

/**
 * The text that an operator shows to have a running role act; a fresh one where the file is missing.
 * @throws ConfigError
 */
export function ensureTokenFile(file: string): string {
    return ensureSeedFile(file).toString('hex');
}

/** Writes a fresh (or given) seed unless the file exists; returns the seed in force. */
export function ensureSeedFile(file: string, seed: Buffer = randomBytes(32)): Buffer {
    if (existsSync(file)) return readSeedFile(file);
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${seed.toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
    return seed;
}
