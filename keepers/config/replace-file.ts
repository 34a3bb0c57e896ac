import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Replaces a file in one step: a reader sees the old or the new text, never half of it. Synced, it survives a power cut. */
export function replaceFile(file: string, text: string, options: { synced: boolean }): void {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}.tmp`;
    const handle = openSync(temporary, 'w', 0o600);
    try {
        // Not `writeSync`: a disk that runs full takes a part, and that is no failure to it.
        writeFileSync(handle, text);
        if (options.synced) fsyncSync(handle);
    } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
    } finally {
        closeSync(handle);
    }
    renameSync(temporary, file);
}
