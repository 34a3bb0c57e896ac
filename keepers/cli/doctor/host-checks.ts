import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { inspectLedger } from '../../ledger';
import { freeBytesOf } from '../../telemetry';
import { type CheckResult, fail, ok, warn } from '../provider/check';
import type { KeeperConfig } from './doctor-context';

const mebi = 1024 ** 2;
const gibi = 1024 ** 3;
const writableByOthers = 0o022;

/** Whoever can write the settings decides whom the keys pay. */
export function checkConfigFile(file: string): CheckResult[] {
    const mode = statSync(file).mode;
    if (process.platform !== 'win32' && (mode & writableByOthers) !== 0)
        return [fail('config', `${file}: others can write it`, `chmod go-w ${file}`)];
    return [ok('config', `${file} holds what the role takes`)];
}

/** Opened to be read only: a doctor must not bring a file to a version that the running role does not know. */
export function checkLedger(config: KeeperConfig): CheckResult[] {
    const file = 'ledgerFile' in config ? config.ledgerFile : undefined;
    if (file === undefined) return [];
    const found = inspectLedger(file);
    if (found === null) return [ok('ledger', `${file} is made at the next start`)];
    const told = `${file}: schema ${found.version}, ${(found.sizeBytes / mebi).toFixed(1)} MiB`;
    if (found.damage.length > 0)
        return [
            fail('ledger', `${told}: ${found.damage.join('; ')}`, 'stop the role and restore the ledger from a backup'),
        ];
    if (found.pendingSteps < 0)
        return [fail('ledger', `${told}, of a newer program`, 'install the version that wrote it, or a newer one')];
    if (found.pendingSteps > 0)
        return [
            warn(
                'ledger',
                `${told}; the next start takes it ${found.pendingSteps} step(s) further`,
                'back it up before that: an older program does not open it again',
            ),
        ];
    return [ok('ledger', told)];
}

/** The folder that the role writes to: there, writable, with room. */
export function checkDisk(config: KeeperConfig): CheckResult[] {
    const file = writtenFile(config);
    if (file === undefined) return [];
    const folder = path.dirname(path.resolve(file));
    accessSync(folder, constants.W_OK);
    const [freeBytes = 0] = freeBytesOf(file);
    const told = `${(freeBytes / gibi).toFixed(1)} GiB free in ${folder}`;
    if (freeBytes >= gibi) return [ok('disk', told)];
    const next = 'free or add space: what cannot be written down is not acknowledged, so the role stops serving';
    return [freeBytes < 64 * mebi ? fail('disk', told, next) : warn('disk', told, next)];
}

function writtenFile(config: KeeperConfig): string | undefined {
    if ('receiptLogFile' in config) return config.receiptLogFile;
    return 'ledgerFile' in config ? config.ledgerFile : undefined;
}
