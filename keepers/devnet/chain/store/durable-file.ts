import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Makes the creation of files in a directory last. */
export function syncDirectory(directory: string): void {
    const handle = openSync(directory, 'r');
    fsyncSync(handle);
    closeSync(handle);
}

/** A crash leaves the old content or the new one, never a mixture. */
export function replaceFile(file: string, content: string): void {
    const temporary = `${file}.new`;
    const handle = openSync(temporary, 'w', 0o600);
    writeFileSync(handle, content);
    fsyncSync(handle);
    closeSync(handle);
    renameSync(temporary, file);
    syncDirectory(path.dirname(file));
}
