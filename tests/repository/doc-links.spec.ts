import { existsSync } from 'node:fs';
import path from 'node:path';
import { readRepositoryFile, repositoryFiles, root } from './source-files';

interface Link {
    file: string;
    target: string;
}

function linksOf(file: string): Link[] {
    const text = readRepositoryFile(file).replace(/```[\s\S]*?```/g, '');
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({ file, target: match[1]! }));
}

function headingAnchors(file: string): string[] {
    const headings = readRepositoryFile(file).match(/^#{1,6} .+$/gm) ?? [];
    return headings.map((heading) =>
        heading
            .replace(/^#+ /, '')
            .toLowerCase()
            .replace(/[^\p{L}\p{N} _-]/gu, '')
            .replace(/ /g, '-'),
    );
}

function isBroken({ file, target }: Link): boolean {
    if (/^[a-z]+:/.test(target)) return false;
    const [relative, anchor] = target.split('#');
    const resolved = relative === '' ? file : path.normalize(path.join(path.dirname(file), relative!));
    if (!existsSync(path.join(root, resolved))) return true;
    return anchor !== undefined && resolved.endsWith('.md') && !headingAnchors(resolved).includes(anchor);
}

describe('documentation', () => {
    it('links only to files and headings that exist', () => {
        const broken = repositoryFiles('*.md').flatMap(linksOf).filter(isBroken);
        expect(broken).toEqual([]);
    });

    it('names only npm scripts that exist', () => {
        const scripts = Object.keys((JSON.parse(readRepositoryFile('package.json')) as { scripts: object }).scripts);
        const named = repositoryFiles('*.md').flatMap((file) =>
            [...readRepositoryFile(file).matchAll(/npm run (?:-s )?([a-z][a-z0-9:-]*)/g)].map(
                (match) => `${file}: ${match[1]}`,
            ),
        );
        expect(named.filter((entry) => !scripts.includes(entry.split(': ')[1]!))).toEqual([]);
    });
});
