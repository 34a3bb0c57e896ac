import { statSync } from 'node:fs';
import { ConfigError, readSecretFile, readSeedFile } from '../../config';
import { type CheckResult, fail, ok } from '../provider/check';
import type { KeeperConfig } from './doctor-context';

/** Settings that name a file which is a secret, and whether it holds a seed of 32 bytes in hex. */
const secretSettings: readonly [setting: string, isSeed: boolean][] = [
    ['sessionKeyFile', true],
    ['operatorKeyFile', true],
    ['gasWalletFile', true],
    ['apiKeysFile', false],
    ['admin.tokenFile', false],
    ['chain.apiKeyFile', false],
    ['ledgerPasswordFile', false],
    ['tls.keyFile', false],
    ['traces.authorizationFile', false],
    ['engine.apiKeyFile', false],
];

/** Every key is there, readable here, and by nobody else. Values are read and thrown away. */
export function checkKeyFiles(config: KeeperConfig): CheckResult[] {
    const results = secretSettings.flatMap(([setting, isSeed]) => {
        const file = settingAt(config, setting);
        return file === undefined ? [] : checkOne(setting, file, isSeed);
    });
    for (const [i, endpoint] of config.chain.endpoints.entries())
        if (typeof endpoint !== 'string' && endpoint.apiKeyFile !== undefined)
            results.push(...checkOne(`chain.endpoints.${i}.apiKeyFile`, endpoint.apiKeyFile, false));
    return results.length > 0 ? results : [ok('keys', 'this role has none')];
}

function checkOne(setting: string, file: string, isSeed: boolean): CheckResult[] {
    if (setting === 'admin.tokenFile' && statSync(file, { throwIfNoEntry: false }) === undefined)
        return [ok('keys', `${setting}: ${file} is made at the next start`)];
    try {
        if (isSeed) readSeedFile(file);
        else readSecretFile(file);
        return [ok('keys', `${setting}: ${file}`)];
    } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return [fail('keys', `${setting}: ${error.message}`, nextFor(error, file))];
    }
}

function nextFor(error: ConfigError, file: string): string {
    switch (error.code) {
        case 'secret_exposed':
            return `chmod 600 ${file}; if others may have read it, make a new key`;
        case 'secret_unreadable':
            return 'put the key there, or run this as the user that the role runs as (with systemd: as root, with the file that LoadCredential names)';
        case 'passphrase_missing':
            return 'run this with the passphrase in the environment too; under systemd: LoadCredential=key-passphrase:…';
        case 'passphrase_wrong':
            return `give the right passphrase: cocoon key-file show ${file} tells whether it is`;
        default:
            return 'restore the file from a copy: what it holds is no key of this kind';
    }
}

function settingAt(config: KeeperConfig, setting: string): string | undefined {
    let at: unknown = config;
    for (const name of setting.split('.')) at = (at as Record<string, unknown> | undefined)?.[name];
    return typeof at === 'string' ? at : undefined;
}
