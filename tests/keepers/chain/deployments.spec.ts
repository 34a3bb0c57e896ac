import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Address } from '@ton/core';
import { type Deployment, readDeployment, writeDeployment } from '../../../keepers/chain';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();
const address = (byte: number) => new Address(0, Buffer.alloc(32, byte));

const deployment: Deployment = {
    version: 1,
    kind: 'development',
    rootPublicKey: Buffer.alloc(64, 9),
    registry: address(1),
    registryTerms: { owner: address(2), guardian: address(3), governanceDelaySec: 60, salt: 0 },
    quoteVerifier: null,
    hubs: [
        {
            address: address(4),
            operator: address(5),
            closeDelaySec: 3600,
            maxFeeBps: 1000,
            initialFeeBps: 250,
            salt: 1,
            endpoint: 'http://127.0.0.1:8080',
        },
    ],
};

describe('deployments file', () => {
    it('reads back what was written, and leaves nothing beside it', () => {
        const file = path.join(folder, 'deployments', 'devnet.json');
        writeDeployment(file, deployment);
        const read = readDeployment(file);
        // Addresses carry functions of their own, which toEqual would compare.
        expect(JSON.stringify(read)).toBe(JSON.stringify(deployment));
        expect(read.hubs[0]!.operator.equals(address(5))).toBe(true);
        expect(readdirSync(path.dirname(file))).toEqual(['devnet.json']);
    });

    it.each([
        ['an unknown field', (json: Record<string, unknown>) => ({ ...json, hub: 'x' }), /hub/],
        ['a short root key', (json: Record<string, unknown>) => ({ ...json, rootPublicKey: 'ab' }), /64 bytes/],
        ['a bad address', (json: Record<string, unknown>) => ({ ...json, registry: 'EQ' }), /TON address/],
        ['a short GPU root', (json: Record<string, unknown>) => ({ ...json, gpuRootPublicKey: 'ab' }), /97 bytes/],
        ['another version', (json: Record<string, unknown>) => ({ ...json, version: 2 }), /version/],
    ])('refuses %s and says where', (_name, damage, message) => {
        const file = path.join(folder, 'damaged.json');
        writeDeployment(file, deployment);
        const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
        writeFileSync(file, JSON.stringify(damage(json)));
        expect(() => readDeployment(file)).toThrow(message);
    });

    it('names a missing file', () => {
        expect(() => readDeployment(path.join(folder, 'none.json'))).toThrow(/none\.json/);
    });
});
