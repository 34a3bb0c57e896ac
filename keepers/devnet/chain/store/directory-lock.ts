import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { ChainError } from '../errors';

const openHere = new Set<string>();

function isAlive(pid: number): boolean {
    // Our own number in a lock that this process did not take was left by an earlier process with the same number.
    if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
}

/** Two processes on one directory would tear it apart. A lock left by a killed process is taken over. */
export class DirectoryLock {
    private constructor(private readonly file: string) {}

    static take(directory: string): DirectoryLock {
        const file = path.resolve(directory, 'lock');
        if (openHere.has(file)) throw inUse(directory);
        for (let attempt = 0; attempt < 2; attempt += 1) {
            if (tryCreate(file)) {
                openHere.add(file);
                return new DirectoryLock(file);
            }
            if (isAlive(Number(readFileSync(file, 'utf8')))) throw inUse(directory);
            unlinkSync(file);
        }
        throw inUse(directory);
    }

    release(): void {
        openHere.delete(this.file);
        unlinkSync(this.file);
    }
}

function inUse(directory: string): ChainError {
    return new ChainError('state_in_use', `${directory} is in use by another process`);
}

function tryCreate(file: string): boolean {
    try {
        const handle = openSync(file, 'wx', 0o600);
        writeSync(handle, String(process.pid));
        closeSync(handle);
        return true;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
    }
}
