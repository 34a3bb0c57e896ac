import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packageRoot, programFile } from '../../../keepers/base';

test('sources and compiled files, one folder deeper, find the same package', () => {
    const root = mkdtempSync(path.join(tmpdir(), 'package-'));
    try {
        writeFileSync(path.join(root, 'package.json'), '{}');
        for (const place of ['keepers/base', 'dist/keepers/base']) {
            const folder = path.join(root, place);
            mkdirSync(folder, { recursive: true });
            expect(packageRoot(folder)).toBe(root);
        }
    } finally {
        rmSync(root, { recursive: true });
    }
});

test('the program that a keeper starts others with is there', () => {
    expect(existsSync(programFile())).toBe(true);
});
