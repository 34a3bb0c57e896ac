import { spawnSync } from 'node:child_process';
import { typescriptNode } from './typescript-node';

/** What POSIX has a limit on file sizes counted in. */
export const limitBlockBytes = 512;

/**
 * Runs a script where no file may be larger, as on a disk without room: a write that passes the limit takes what there is
 * room for and says how much that was, the next one fails. Gives what the script printed.
 */
export function runWithLimitedFiles(blocks: number, script: string, args: readonly string[]): string {
    const limited = ['-c', `ulimit -f ${blocks} && exec "$@"`, 'sh'];
    const { stdout, stderr } = spawnSync('sh', [...limited, process.execPath, ...typescriptNode, script, ...args], {
        encoding: 'utf8',
    });
    if (stdout === '') throw new Error(`the script ended without a word: ${stderr}`);
    return stdout.trim();
}
