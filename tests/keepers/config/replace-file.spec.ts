import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { limitBlockBytes, runWithLimitedFiles } from '../../support/limited-files';

const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-replaced-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a file is replaced by all of its new text or stays as it was, and nothing is left beside it', () => {
    const file = path.join(folder, 'wallet.key');
    writeFileSync(file, 'the old one');
    const replace = (bytes: number) =>
        runWithLimitedFiles(1, path.join(__dirname, 'replace-once.ts'), [file, String(bytes)]);
    expect(replace(limitBlockBytes + 1)).toBe('EFBIG');
    expect(readFileSync(file, 'utf8')).toBe('the old one');
    expect(replace(limitBlockBytes)).toBe('done');
    expect(readFileSync(file, 'utf8')).toHaveLength(limitBlockBytes);
    expect(readdirSync(folder)).toEqual(['wallet.key']);
});
