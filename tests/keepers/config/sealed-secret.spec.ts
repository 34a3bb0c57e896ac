import { chmodSync, mkdtempSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
    decryptKeyFile,
    encryptKeyFile,
    generateKeyFile,
    reencryptKeyFile,
    showKeyFile,
} from '../../../keepers/cli/key-file/key-file';
import {
    type ConfigError,
    isSealed,
    openSecret,
    readSecretFile,
    readSeedFile,
    sealSecret,
    usePassphrase,
} from '../../../keepers/config';

const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-sealed-'));
const file = path.join(folder, 'sealed.key');
const passphrase = 'correct horse battery';
const seed = '5e'.repeat(32);
/** The least that is taken, so that many tries take no time. */
const quick = { n: 2 ** 14 };
const sealed = sealSecret(seed, passphrase, quick);
const open = (text: string, given = passphrase) => openSecret(text, { passphrase: given, file });

function codeOf(act: () => unknown): string {
    try {
        act();
    } catch (error) {
        return (error as ConfigError).code;
    }
    return 'none';
}

afterEach(() => {
    usePassphrase(undefined);
    for (const name of Object.keys(process.env)) if (/^COCOON_KEY_PASSPHRASE/.test(name)) delete process.env[name];
});

describe('a sealed secret', () => {
    test('opens under its passphrase, however that was composed, and shows nothing of what it holds', () => {
        expect(open(sealed)).toBe(seed);
        expect(sealed).not.toContain(seed.slice(0, 8));
        expect([isSealed(sealed), isSealed(seed), isSealed('{"keys":[]}')]).toEqual([true, false, false]);
        const composed = sealSecret('x', 'caf\u00e9 caf\u00e9', quick);
        expect(open(composed, 'cafe\u0301 cafe\u0301')).toBe('x');
    });

    test('is another text each time', () => {
        expect(sealSecret(seed, passphrase, quick)).not.toBe(sealed);
    });

    test('stays shut under another passphrase', () => {
        for (const wrong of ['correct horse batterz', '', `${passphrase} `])
            expect(codeOf(() => open(sealed, wrong))).toBe('passphrase_wrong');
    });

    test('is refused wherever it was cut off', () => {
        for (let length = 1; length < sealed.trimEnd().length; length += 17)
            expect(codeOf(() => open(sealed.slice(0, length)))).toBe('secret_invalid');
    });

    const json = () => JSON.parse(sealed) as { cocoonSealedKey: { kdf: object; nonce: string; sealed: string } };
    const changed = (change: (key: ReturnType<typeof json>['cocoonSealedKey']) => object) =>
        JSON.stringify({ cocoonSealedKey: change(json().cocoonSealedKey) });
    const flip = (hex: string) => (hex.startsWith('0') ? '1' : '0') + hex.slice(1);

    test.each([
        ['its salt', () => changed((key) => ({ ...key, kdf: { ...key.kdf, salt: '00'.repeat(32) } }))],
        ['its cost', () => changed((key) => ({ ...key, kdf: { ...key.kdf, n: 2 ** 15 } }))],
        ['its nonce', () => changed((key) => ({ ...key, nonce: flip(key.nonce) }))],
        ['its ciphertext', () => changed((key) => ({ ...key, sealed: flip(key.sealed) }))],
        ['its tag', () => changed((key) => ({ ...key, sealed: key.sealed.slice(0, -1) + flip(key.sealed.slice(-1)) }))],
    ])('is refused with %s changed', (_, text) => {
        expect(codeOf(() => open(text()))).toBe('passphrase_wrong');
    });

    test.each([
        ['a cost that would take hours', () => changed((key) => ({ ...key, kdf: { ...key.kdf, n: 2 ** 30 } }))],
        ['a cost that is no power of two', () => changed((key) => ({ ...key, kdf: { ...key.kdf, n: 100_000 } }))],
        ['another cipher', () => changed((key) => ({ ...key, cipher: 'aes-256-cbc' }))],
        ['a field of its own', () => changed((key) => ({ ...key, hint: 'horse' }))],
        ['another version', () => changed((key) => ({ ...key, version: 2 }))],
    ])('of another form is refused: %s', (_, text) => {
        expect(codeOf(() => open(text()))).toBe('secret_invalid');
    });

    test('takes no passphrase that is none', () => {
        expect(codeOf(() => sealSecret(seed, 'short'))).toBe('passphrase_missing');
    });
});

describe('a role reads an encrypted key file', () => {
    const passphraseFile = path.join(folder, 'passphrase');
    beforeAll(() => {
        writeFileSync(file, sealed, { mode: 0o600 });
        writeFileSync(passphraseFile, `${passphrase}\nanother line\n`, { mode: 0o600 });
    });

    test('with the passphrase from the environment, which no child then sees', () => {
        process.env['COCOON_KEY_PASSPHRASE'] = passphrase;
        expect(readSeedFile(file).toString('hex')).toBe(seed);
        expect(process.env['COCOON_KEY_PASSPHRASE']).toBeUndefined();
        expect(readSeedFile(file).toString('hex')).toBe(seed);
    });

    test('with it from a file for its owner only', () => {
        process.env['COCOON_KEY_PASSPHRASE_FILE'] = passphraseFile;
        expect(readSecretFile(file)).toBe(seed);
        usePassphrase(undefined);
        chmodSync(passphraseFile, 0o640);
        process.env['COCOON_KEY_PASSPHRASE_FILE'] = passphraseFile;
        expect(codeOf(() => readSecretFile(file))).toBe('secret_exposed');
        chmodSync(passphraseFile, 0o600);
    });

    test('with it from a file descriptor', () => {
        process.env['COCOON_KEY_PASSPHRASE_FD'] = String(openSync(passphraseFile, 'r'));
        expect(readSecretFile(file)).toBe(seed);
        usePassphrase(undefined);
        process.env['COCOON_KEY_PASSPHRASE_FD'] = '9999';
        expect(codeOf(() => readSecretFile(file))).toBe('passphrase_missing');
    });

    test('with it as a credential of systemd', () => {
        const credentials = mkdtempSync(path.join(folder, 'credentials-'));
        writeFileSync(path.join(credentials, 'key-passphrase'), passphrase, { mode: 0o440 });
        process.env['CREDENTIALS_DIRECTORY'] = credentials;
        try {
            expect(readSecretFile(file)).toBe(seed);
        } finally {
            delete process.env['CREDENTIALS_DIRECTORY'];
        }
    });

    test('and without any says how to give it; a loose mode is refused first', () => {
        expect(codeOf(() => readSecretFile(file))).toBe('passphrase_missing');
        chmodSync(file, 0o644);
        expect(codeOf(() => readSecretFile(file))).toBe('secret_exposed');
        chmodSync(file, 0o600);
    });

    test('or has its key from a variable', () => {
        process.env['COCOON_TEST_KEY'] = seed;
        expect(readSeedFile('env:COCOON_TEST_KEY').toString('hex')).toBe(seed);
        delete process.env['COCOON_TEST_KEY'];
        expect(codeOf(() => readSeedFile('env:COCOON_TEST_KEY'))).toBe('secret_unreadable');
    });
});

describe('cocoon key-file', () => {
    const key = path.join(folder, 'made.key');
    const under = (text: string) => () => Promise.resolve(text);
    const modeOf = (name: string) => statSync(name).mode & 0o777;

    test('makes, shows, encrypts, gives another passphrase and decrypts, the key always the same', async () => {
        const made = await generateKeyFile(key, null);
        expect([made.encrypted, made.publicKey, modeOf(key)]).toEqual([
            false,
            expect.stringMatching(/^[0-9a-f]{64}$/),
            0o600,
        ]);
        await expect(generateKeyFile(key, null)).rejects.toMatchObject({ code: 'key_file_unusable' });
        const plain = readFileSync(key, 'utf8');
        await encryptKeyFile(key, under('first passphrase'));
        expect([isSealed(readFileSync(key, 'utf8')), modeOf(key)]).toEqual([true, 0o600]);
        await expect(encryptKeyFile(key, under('again and again'))).rejects.toMatchObject({
            code: 'key_file_unusable',
        });
        usePassphrase('first passphrase');
        expect(await showKeyFile(key)).toEqual({ ...made, encrypted: true });
        await reencryptKeyFile(key, under('second passphrase'));
        await expect(showKeyFile(key)).rejects.toMatchObject({ code: 'passphrase_wrong' });
        usePassphrase('second passphrase');
        decryptKeyFile(key);
        expect([readFileSync(key, 'utf8'), modeOf(key)]).toEqual([plain, 0o600]);
    });

    test('leaves the file as it was where it can’t do it', async () => {
        const before = readFileSync(key, 'utf8');
        await expect(encryptKeyFile(key, under('short'))).rejects.toMatchObject({ code: 'passphrase_missing' });
        expect(() => decryptKeyFile(key)).toThrow(/not encrypted/);
        chmodSync(key, 0o644);
        await expect(encryptKeyFile(key, under('a good passphrase'))).rejects.toMatchObject({ code: 'secret_exposed' });
        expect(readFileSync(key, 'utf8')).toBe(before);
    });
});
