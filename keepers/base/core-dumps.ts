import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { CocoonError } from './errors';

export interface CoreLimits {
    /** Bytes; Infinity where there is none. */
    soft: number;
    hard: number;
}

const prlimitTimeoutMs = 5_000;

/**
 * A dump would write keys and prompts to the disk of a host that may read neither. The limit of this process and of
 * those it starts goes to where the kernel writes none, for good: the hard limit as well.
 *
 * @returns what holds; undefined off Linux, where no node is attested and only development runs
 * @throws CocoonError `core_dumps_possible` when that cannot be done: nothing secret may be loaded then
 */
export function forbidCoreDumps(): CoreLimits | undefined {
    if (process.platform !== 'linux') return undefined;
    const bytes = limitThatHolds(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), readCoreLimits().hard);
    try {
        const limit = `--core=${bytes}:${bytes}`;
        execFileSync('prlimit', ['--pid', String(process.pid), limit], { stdio: 'ignore', timeout: prlimitTimeoutMs });
    } catch {
        // What holds is read back either way: whoever started this process may have set it already.
    }
    const limits = readCoreLimits();
    if (limits.soft > bytes || limits.hard > bytes)
        throw possible('install util-linux (prlimit), or start with `ulimit -c 0` (systemd: LimitCORE=0)');
    return limits;
}

/**
 * A file is not begun below a page, so 0 and 1 byte are none. A program that dumps are piped to gets them whatever the
 * limit, but for exactly 1: the kernel's mark of a dump that must not be (Linux, fs/coredump.c).
 */
export function limitThatHolds(corePattern: string, hard: number): 0 | 1 {
    if (!corePattern.startsWith('|')) return 0;
    if (hard >= 1) return 1;
    throw possible('kernel.core_pattern pipes them to a program whatever the limit: set it to `core`');
}

export function readCoreLimits(): CoreLimits {
    const line = /^Max core file size\s+(\w+)\s+(\w+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    if (line === null) throw possible('/proc/self/limits does not tell their limit');
    const [soft, hard] = [line[1]!, line[2]!].map((text) => (text === 'unlimited' ? Infinity : Number(text)));
    return { soft: soft!, hard: hard! };
}

function possible(what: string): CocoonError<'core_dumps_possible'> {
    return new CocoonError('core_dumps_possible', `core dumps are possible: ${what}`, { action: 'fix' });
}
