import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError, ensureSeedFile, loadConfig, readSeedFile } from '../../../keepers/config';

const address = `0:${'11'.repeat(32)}`;
const valid = {
    chain: { endpoints: ['http://127.0.0.1:8081/api/v2/jsonRPC'] },
    deploymentFile: 'deployments/devnet.json',
    dispatchers: [{ url: 'http://127.0.0.1:8090', hub: address }],
    client: address,
    sessionKeyFile: 'session.key',
    ledgerFile: 'gateway.sqlite',
    listen: { port: 8787 },
    collateral: {},
};

function writeJson(value: unknown): string {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'cocoon-config-')), 'gateway.json');
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
}

function messageOf(act: () => unknown): string {
    try {
        act();
    } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        return (error as ConfigError).message;
    }
    throw new Error('expected a ConfigError');
}

describe('configuration', () => {
    it('fills defaults and parses addresses', () => {
        const config = loadConfig('gateway', { file: writeJson(valid), env: {} });
        expect(config.listen).toEqual({ host: '127.0.0.1', port: 8787 });
        expect(config.client.toRawString()).toBe(address);
    });

    it('lets the environment override a nested setting', () => {
        const env = { COCOON__LISTEN__PORT: '9000', COCOON__LOG_LEVEL: 'debug', COCOON_VECTORS: 'elsewhere' };
        const config = loadConfig('gateway', { file: writeJson(valid), env });
        expect(config.listen.port).toBe(9000);
        expect(config.logLevel).toBe('debug');
    });

    it.each([
        ['an unknown setting', { ...valid, insecure: true }, /insecure/],
        ['a wrong address', { ...valid, client: 'nobody' }, /client: must be a TON address/],
        [
            'an amount that is not whole nanoTON',
            { ...valid, maxOutputPriceNano: '1.5' },
            /maxOutputPriceNano: must be whole nanoTON/,
        ],
        [
            'a url that is no http url',
            { ...valid, dispatchers: [{ url: 'ftp://x', hub: address }] },
            /dispatchers\.0\.url: must be an http/,
        ],
        ['another role', { ...valid, role: 'node' }, /role/],
        ['no JSON', 'not json', /JSON/],
    ])('refuses %s and says where', (_, value, message) => {
        expect(messageOf(() => loadConfig('gateway', { file: writeJson(value), env: {} }))).toMatch(message);
    });

    it('refuses a key file that others can read, and one that is not a seed', () => {
        const file = path.join(mkdtempSync(path.join(tmpdir(), 'cocoon-key-')), 'key');
        const seed = ensureSeedFile(file);
        expect(readSeedFile(file)).toEqual(seed);
        chmodSync(file, 0o644);
        expect(messageOf(() => readSeedFile(file))).toMatch(/chmod 600/);
        chmodSync(file, 0o600);
        writeFileSync(file, 'short');
        expect(messageOf(() => readSeedFile(file))).toMatch(/32 bytes in hex/);
    });
});
