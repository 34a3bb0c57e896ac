import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Where package.json lies: sources are as deep below it as the tree says, compiled files (`dist/`) one folder deeper. */
export function packageRoot(from = __dirname): string {
    for (let folder = from; ; folder = path.dirname(folder)) {
        if (existsSync(path.join(folder, 'package.json'))) return folder;
        if (folder === path.dirname(folder)) throw new Error(`no package.json in or above ${from}`);
    }
}

export function packageVersion(): string {
    const text = readFileSync(path.join(packageRoot(), 'package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
}

/** What Node runs for `cocoon`, in a checkout as in an installed package. */
export function programFile(): string {
    return path.join(packageRoot(), 'keepers', 'cli', 'cocoon.cjs');
}
