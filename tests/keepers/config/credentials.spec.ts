import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSecretFile } from '../../../keepers/config';

const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-credentials-'));
const elsewhere = mkdtempSync(path.join(tmpdir(), 'cocoon-keys-'));
const before = process.env['CREDENTIALS_DIRECTORY'];

beforeAll(() => (process.env['CREDENTIALS_DIRECTORY'] = folder));
afterAll(() => {
    delete process.env['CREDENTIALS_DIRECTORY'];
    if (before !== undefined) process.env['CREDENTIALS_DIRECTORY'] = before;
});

function keyWithMode(mode: number, dir = folder): string {
    const file = path.join(dir, `key-${mode.toString(8)}`);
    writeFileSync(file, 'secret\n');
    chmodSync(file, mode);
    return file;
}

test('a credential of systemd is read, though its access list shows as the group’s', () => {
    expect(readSecretFile(keyWithMode(0o440))).toBe('secret');
});

test.each([0o444, 0o460, 0o402])('a credential of mode %o is exposed all the same', (mode) => {
    expect(() => readSecretFile(keyWithMode(mode))).toThrow(/others can read/);
});

test('a key that the group reads anywhere else is exposed', () => {
    expect(() => readSecretFile(keyWithMode(0o440, elsewhere))).toThrow(/others can read/);
});
