import { existsSync } from 'node:fs';
import path from 'node:path';
import { readRepositoryFile, root } from '../repository/source-files';

interface Manifest {
    exports: Record<string, string | { types: string; default: string }>;
    files: string[];
    dependencies: Record<string, string>;
    peerDependenciesMeta: Record<string, { optional?: boolean }>;
}

const manifest = JSON.parse(readRepositoryFile('package.json')) as Manifest;

describe('the published package', () => {
    const compiled = Object.values(manifest.exports).filter((target) => typeof target !== 'string');

    it.each(compiled)('compiles $default from a source that exists', (target) => {
        const source = target.default.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts');
        expect(existsSync(path.join(root, source))).toBe(true);
        expect(target.types).toBe(target.default.replace(/\.js$/, '.d.ts'));
        expect(manifest.files).toContain('dist');
    });

    it('pulls in neither the engine nor the emulator', () => {
        for (const name of ['node-llama-cpp', '@ton/sandbox', '@ton/blueprint', '@tact-lang/compiler']) {
            expect(manifest.dependencies).not.toHaveProperty(name);
        }
        expect(manifest.peerDependenciesMeta['node-llama-cpp']).toEqual({ optional: true });
    });
});
