import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { freeBytesOf } from '../../telemetry';
import { type CheckResult, fail, ok, warn } from '../provider/check';
import { outboxFileOf } from '../settling-keeper';
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
    if ('ledgerFile' in config && config.ledgerFile !== undefined) return config.ledgerFile;
    if (config.role !== 'settler' && config.role !== 'watchdog') return undefined;
    // In a PostgreSQL the outbox is there too.
    return config.ledgerUrl === undefined ? outboxFileOf(config) : undefined;
}
