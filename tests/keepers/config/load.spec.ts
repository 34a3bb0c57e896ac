import { Address } from '@ton/core';
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

    it('says where a file is no JSON and quotes nothing of it: it may be a key by mistake', () => {
        const secret = 'f00dfeed'.repeat(8);
        const oneLine = messageOf(() => loadConfig('gateway', { file: writeJson(secret), env: {} }));
        const later = `{\n"a": "${secret}"\n"b": 1}`;
        const threeLines = messageOf(() => loadConfig('gateway', { file: writeJson(later), env: {} }));
        expect(oneLine).toMatch(/is not valid JSON(, see line 1)?$/);
        expect(threeLines).toMatch(/is not valid JSON, see line 3$/);
        expect(oneLine + threeLines).not.toContain('f00d');
    });

    it('says of settings that are not there that they are missing, and where they may stand', () => {
        const message = messageOf(() => loadConfig('gateway', { env: {} }));
        expect(message).toMatch(/^no --config FILE .* in the environment: gateway settings are not valid:/);
        expect(message).toContain('\n  client: is missing');
        expect(message).not.toContain('undefined');
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
        [
            'admin endpoints that others can reach',
            { ...valid, admin: { host: '0.0.0.0', port: 9105 } },
            /admin\.host: admin endpoints are for this machine alone/,
        ],
        ['another role', { ...valid, role: 'node' }, /role/],
        ['no JSON', 'not json', /JSON/],
    ])('refuses %s and says where', (_, value, message) => {
        expect(messageOf(() => loadConfig('gateway', { file: writeJson(value), env: {} }))).toMatch(message);
    });

    const loadChain = (chain: unknown) =>
        loadConfig('gateway', { file: writeJson({ ...valid, chain }), env: {} }).chain;
    const toncenter = 'https://toncenter.com/api/v2/jsonRPC';
    const hubs = 'https://mainnet-v4.tonhubapi.com';

    it('takes endpoints by their URL, or with kind, key and rate', () => {
        expect(loadChain({ endpoints: [toncenter], apiKeyFile: 'toncenter.key' }).endpoints).toEqual([toncenter]);
        const endpoints = [
            { url: toncenter, apiKeyFile: 'toncenter.key', requestsPerSecond: 25 },
            { url: hubs, kind: 'v4' },
        ];
        expect(loadChain({ endpoints }).endpoints).toEqual([{ ...endpoints[0], kind: 'v2' }, endpoints[1]]);
    });

    it.each([
        ['none', { endpoints: [] }, /chain\.endpoints/],
        ['one twice', { endpoints: [toncenter, { url: toncenter }] }, /the same endpoint twice/],
        ['one of another kind', { endpoints: [{ url: hubs, kind: 'v3' }] }, /chain\.endpoints\.0/],
        ['a rate of nothing', { endpoints: [{ url: hubs, requestsPerSecond: 0 }] }, /chain\.endpoints\.0/],
        [
            'a key both here and there',
            { endpoints: [{ url: hubs, apiKey: 'a', apiKeyFile: 'b' }] },
            /chain\.endpoints\.0/,
        ],
        ['one key for two hosts', { endpoints: [toncenter, hubs], apiKeyFile: 'key' }, /chain\.apiKeyFile: one key/],
    ])('refuses, as endpoints, %s', (_, chain, message) => {
        expect(messageOf(() => loadChain(chain))).toMatch(message);
    });

    it('takes the certificate of a dispatcher whole, or not at all', () => {
        const { chain, deploymentFile, listen, ledgerFile } = valid;
        const load = (tls: unknown) =>
            loadConfig('dispatcher', {
                file: writeJson({ chain, deploymentFile, listen, ledgerFile, hub: address, tls }),
                env: {},
            }).tls;
        const tls = { certificateFile: 'hub.pem', keyFile: 'hub.key' };
        expect(load(tls)).toEqual(tls);
        expect(load(undefined)).toBeUndefined();
        expect(messageOf(() => load({ certificateFile: 'hub.pem' }))).toMatch(/tls\.keyFile/);
    });

    const prices = { inputNano: '1', cachedInputNano: '1', outputNano: '1', reasoningNano: '1' };
    const node = {
        chain: valid.chain,
        deploymentFile: valid.deploymentFile,
        hub: address,
        dispatcherUrl: 'http://127.0.0.1:8090',
        provider: address,
        operatorKeyFile: 'operator.key',
        gasWalletFile: 'gas.key',
        receiptLogFile: 'receipts.jsonl',
        engine: { kind: 'llama-cpp' },
        tee: { kind: 'configfs-tsm' },
        prices,
    };
    const loadNode = (gpu: unknown) => loadConfig('node', { file: writeJson({ ...node, gpu }), env: {} });

    it('takes the dispatchers of a node as one URL, as a list, or both', () => {
        const load = (settings: object) => {
            const { dispatchers, dispatcherUrl } = loadConfig('node', { file: writeJson(settings), env: {} });
            return { main: dispatcherUrl, all: dispatchers.map(({ url, hub }) => [url, hub.toString()]) };
        };
        const { dispatcherUrl: url, ...without } = node;
        const [replica, other] = ['https://b.example', 'https://other.example'];
        const hub = Address.parse(address).toString();
        const otherHub = new Address(0, Buffer.alloc(32, 7)).toString();
        expect(load(node)).toEqual({ main: url, all: [[url, hub]] });
        expect(load({ ...node, dispatchers: [{ url: replica }, { url: other, hub: otherHub }] })).toEqual({
            main: url,
            all: [
                [url, hub],
                [replica, hub],
                [other, otherHub],
            ],
        });
        expect(load({ ...without, dispatchers: [{ url: replica }] })).toEqual({ main: replica, all: [[replica, hub]] });
        expect(messageOf(() => load(without))).toMatch(/dispatcherUrl: names no dispatcher of the hub/);
        const elsewhere = { ...without, dispatchers: [{ url: other, hub: otherHub }] };
        expect(messageOf(() => load(elsewhere))).toMatch(/dispatcherUrl: names no dispatcher of the hub/);
        expect(messageOf(() => load({ ...node, dispatchers: [{ url: 'nowhere' }] }))).toMatch(/dispatchers\.0\.url/);
        expect(messageOf(() => load({ ...node, useListedHubs: ['nowhere'] }))).toMatch(/useListedHubs/);
    });

    it('takes the GPUs of a node from a program, an agent or nobody', () => {
        expect(loadNode(undefined).gpu).toBeUndefined();
        expect(loadNode({ kind: 'command', command: ['gpu-evidence', '--json'] }).gpu).toMatchObject({
            count: 1,
            timeoutMs: 30_000,
        });
        expect(loadNode({ kind: 'url', url: 'http://127.0.0.1:9/evidence', count: 8 }).gpu).toMatchObject({ count: 8 });
    });

    it.each([
        ['a program without a name', { kind: 'command', command: [] }, /gpu\.command/],
        ['seventeen GPUs', { kind: 'url', url: 'http://127.0.0.1:9', count: 17 }, /gpu\.count/],
        ['a source of another kind', { kind: 'file', file: 'x' }, /gpu/],
    ])('refuses, as GPUs, %s', (_, gpu, message) => {
        expect(messageOf(() => loadNode(gpu))).toMatch(message);
    });

    it('asks a gateway for no GPUs unless it is told to', () => {
        const load = (gpu: unknown) => loadConfig('gateway', { file: writeJson({ ...valid, gpu }), env: {} }).gpu;
        expect(load(undefined)).toEqual({ minCount: 0 });
        const nras = { url: 'https://nras.attestation.nvidia.com' };
        expect(load({ minCount: 8, nras })).toEqual({ minCount: 8, nras });
        expect(messageOf(() => load({ minCount: -1 }))).toMatch(/gpu\.minCount/);
        expect(messageOf(() => load({ nras: { url: 'nras' } }))).toMatch(/gpu\.nras\.url/);
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
