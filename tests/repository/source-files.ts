import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(__dirname, '../..');

/** Files that git tracks or would track, relative to the repository's root. */
export function repositoryFiles(...patterns: string[]): string[] {
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...patterns], {
        cwd: root,
        encoding: 'utf8',
    });
    return listed.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file)));
}

export function readRepositoryFile(file: string): string {
    return readFileSync(path.join(root, file), 'utf8');
}

/** Module specifiers of static imports, re-exports, dynamic imports and requires. */
export function importsOf(source: string): string[] {
    const pattern = /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+|\brequire\s*\(\s*)(['"])([^'"]+)\1/g;
    return [...source.matchAll(pattern)].map((match) => match[2]!);
}
