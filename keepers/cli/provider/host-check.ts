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

/** A core dump would hold prompts and keys. */
export const checkCoreDumps: Check = async ({ running, status }) => {
    if (process.platform !== 'linux')
        return [warn('core_dumps', 'cannot be told on this system', 'run the node on Linux')];
    const pid = running && status !== null && isNode(status.pid) ? status.pid : null;
    return [pid === null ? limitOf('self', 'this shell') : limitOf(String(pid), `the running node, process ${pid}`)];
};

function isNode(pid: number): boolean {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('cocoon');
    } catch {
        return false;
    }
}

function limitOf(process: string, whose: string): CheckResult {
    const limits = readFileSync(`/proc/${process}/limits`, 'utf8');
    const soft = /^Max core file size\s+(\S+)/m.exec(limits)?.[1];
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    if (soft !== '0') {
        return warn(
            'core_dumps',
            `${whose} may dump core (limit ${soft}); a dump holds prompts and keys`,
            'run it by the unit in deploy/systemd (LimitCORE=0), or under ulimit -c 0',
        );
    }
    // The kernel hands a dump to a program whatever the limit is; systemd's heeds it, others may not.
    if (pattern.startsWith('|') && !pattern.includes('systemd-coredump'))
        return warn(
            'core_dumps',
            `${whose}: limit 0, but the kernel hands dumps to ${pattern.slice(1, 60)}`,
            'set kernel.core_pattern to core in the guest’s image',
        );
    return ok('core_dumps', `${whose}: none`);
}
