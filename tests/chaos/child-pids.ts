import { readdirSync, readFileSync } from 'node:fs';

/**
 * Our child that runs with this configuration file, also one that is not ready yet; undefined where there is none, and on
 * systems without /proc.
 */
export function childWithConfig(configFile: string): number | undefined {
    return childPids().find((pid) => commandLine(pid).includes(configFile));
}

function childPids(): number[] {
    return read('/proc/self/task', (folder) => readdirSync(folder), []).flatMap((task) =>
        read(`/proc/self/task/${task}/children`, (file) => readFileSync(file, 'utf8'), '')
            .split(' ')
            .flatMap((pid) => (pid === '' ? [] : [Number(pid)])),
    );
}

function commandLine(pid: number): string[] {
    return read(`/proc/${pid}/cmdline`, (file) => readFileSync(file, 'utf8'), '').split('\0');
}

/** Processes come and go while we look. */
function read<T>(path: string, act: (path: string) => T, otherwise: T): T {
    try {
        return act(path);
    } catch {
        return otherwise;
    }
}
