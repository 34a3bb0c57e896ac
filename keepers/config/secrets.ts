import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from './errors';
import { readOwnersFile } from './owners-file';
import { keyPassphrase } from './passphrase';
import { isSealed, openSecret } from './sealed-secret';

/** A setting that names a secret may name a variable of the environment in place of a file: `env:GAS_WALLET`. */
const environmentPrefix = 'env:';

/**
 * A secret: from a file that only its owner may read, encrypted or not, or from the environment.
 * @throws ConfigError
 */
export function readSecretFile(file: string): string {
    if (file.startsWith(environmentPrefix)) return readVariable(file);
    const text = readOwnersFile(file);
    const plain = isSealed(text) ? openSecret(text, { passphrase: keyPassphrase(file), file }) : text;
    return plain.trim();
}

function readVariable(named: string): string {
    const text = process.env[named.slice(environmentPrefix.length)];
    if (text === undefined || text === '')
        throw new ConfigError('secret_unreadable', `${named}: the environment has no such variable`);
    return text.trim();
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
