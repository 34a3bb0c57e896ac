import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { limitThatHolds } from '../../../keepers/base';
import { typescriptNode } from '../../support/typescript-node';

const root = path.join(__dirname, '../../..');
const onLinux = process.platform === 'linux' ? test : test.skip;

/** Runs a script under a shell's limit; it has the module as `dumps`. */
function underLimit(limit: string, script: string, { env = process.env, cwd = root } = {}) {
    const module = JSON.stringify(path.join(root, 'keepers/base/core-dumps.ts'));
    const shell = `ulimit -S -c 0; ulimit ${limit} && exec "$0" "$@"`;
    const source = `const dumps = require(${module}); ${script}`;
    const args = ['-c', shell, process.execPath, ...typescriptNode, '-e', source];
    const { stdout, signal } = spawnSync('/bin/bash', args, { encoding: 'utf8', env, cwd });
    return { stdout, signal };
}

const forbid = `
    const before = dumps.readCoreLimits();
    try { console.log(JSON.stringify({ before, after: dumps.forbidCoreDumps() })); }
    catch (error) { console.log(JSON.stringify({ before, code: error.code, action: error.action })); }`;

onLinux('where a shell lets a process dump, no limit is left after the start, soft or hard', () => {
    const { before, after } = JSON.parse(underLimit('-S -c hard', forbid).stdout) as {
        before: { soft: number | null };
        after: { soft: number; hard: number };
    };
    expect(before.soft).not.toBe(0);
    const piped = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|');
    expect(after).toEqual(piped ? { soft: 1, hard: 1 } : { soft: 0, hard: 0 });
});

onLinux('a process that aborts leaves nothing behind', () => {
    const cwd = mkdtempSync(path.join(tmpdir(), 'dumps-'));
    try {
        underLimit('-S -c hard', 'dumps.forbidCoreDumps(); process.abort();', { cwd });
        expect(readdirSync(cwd)).toEqual([]);
    } finally {
        rmSync(cwd, { recursive: true });
    }
});

onLinux('without the tool the start is refused, unless the limit was set before', () => {
    const env = { ...process.env, PATH: '/nonexistent' };
    const refused = JSON.parse(underLimit('-S -c hard', forbid, { env }).stdout) as object;
    expect(refused).toMatchObject({ code: 'core_dumps_possible', action: 'fix' });
    const piped = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|');
    if (!piped) {
        const set = JSON.parse(underLimit('-c 0', forbid, { env }).stdout) as object;
        expect(set).toMatchObject({ after: { soft: 0, hard: 0 } });
    }
});

test('a program that dumps are piped to is kept off by a limit of one byte, or the start is refused', () => {
    expect(limitThatHolds('core', 0)).toBe(0);
    expect(limitThatHolds('/var/core/%p', Infinity)).toBe(0);
    expect(limitThatHolds('|/usr/lib/systemd/systemd-coredump %P', Infinity)).toBe(1);
    expect(() => limitThatHolds('|/usr/share/apport/apport', 0)).toThrow('core_pattern');
});
