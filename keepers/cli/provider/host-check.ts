import { errorMessage, limitThatHolds, readCoreLimits } from '../../base';
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { type Check, type CheckResult, fail, ok, warn } from './check';

const lowBytes = 1024 ** 3;
const fullBytes = 64 * 1024 ** 2;

/** A node that can't write its receipts stops: it must not work without being paid. */
export const checkDisk: Check = async ({ config }) => {
    const folder = path.dirname(path.resolve(config.receiptLogFile));
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    const freeBytes = bavail * bsize;
    const told = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free for receipts in ${folder}`;
    if (freeBytes >= lowBytes) return [ok('disk', told)];
    const next = 'free or add space: without room for receipts the node stops serving';
    return [freeBytes < fullBytes ? fail('disk', told, next) : warn('disk', told, next)];
};

/** A core dump would hold prompts and keys; a node that could write one does not start. */
export const checkCoreDumps: Check = async ({ running, status }) => {
    if (process.platform !== 'linux')
        return [warn('core_dumps', 'cannot be told on this system', 'run the node on Linux')];
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    if (running && status !== null && isNode(status.pid)) return [ofRunningNode(status.pid, pattern)];
    return checkCoreDumpLimit();
};

/** Whether a process that is started here can rule core dumps out. */
export function checkCoreDumpLimit(): CheckResult[] {
    if (process.platform !== 'linux') return [warn('core_dumps', 'cannot be told on this system', 'run it on Linux')];
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    try {
        const bytes = limitThatHolds(pattern, readCoreLimits().hard);
        return [ok('core_dumps', `a process started here limits them to ${bytes} byte(s), which is none`)];
    } catch (error) {
        return [fail('core_dumps', errorMessage(error), 'use the unit in deploy/systemd, or do what the message says')];
    }
}

/** Its process is to be seen where this runs on the same machine and not outside its container. */
function isNode(pid: number): boolean {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('cocoon');
    } catch {
        return false;
    }
}

function ofRunningNode(pid: number, pattern: string): CheckResult {
    const soft = /^Max core file size\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1];
    const told = `the running node, process ${pid}: limit ${soft}${pattern.startsWith('|') ? ', piped' : ''}`;
    const none = soft === '1' || (soft === '0' && !pattern.startsWith('|'));
    return none ? ok('core_dumps', told) : fail('core_dumps', told, 'restart it by the unit in deploy/systemd');
}
