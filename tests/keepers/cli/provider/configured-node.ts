import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Address } from '@ton/core';
import { writeDeployment } from '../../../../keepers/chain';
import { createSimulatedTee } from '../../../../keepers/devnet/simulated-tee';
import { intelRootKey, Payout, QuoteVerifier, Registry } from '../../../../wrappers';

export const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-doctor-'));
const account = (byte: number) => new Address(0, Buffer.alloc(32, byte));
const seedFile = path.join(folder, 'seed');
writeFileSync(seedFile, Buffer.alloc(32, 9).toString('hex'), { mode: 0o600 });
chmodSync(seedFile, 0o600);
/** Nothing listens there. */
export const nowhere = 'http://127.0.0.1:9';

interface Given {
    kind?: 'production' | 'development';
    settings?: object;
}

/** A node's configuration on a machine that has nothing but the files. */
export async function configured({ kind = 'development', settings = {} }: Given = {}): Promise<string> {
    const tee = createSimulatedTee({ pkiSeed: Buffer.alloc(32, 9), platform: 0, now: new Date() });
    const rootPublicKey = kind === 'production' ? intelRootKey : Buffer.from(tee.rootKey);
    const registryTerms = { owner: account(1), guardian: account(2), governanceDelaySec: 60, salt: 0 };
    const registry = (await Registry.createFromConfig({ kind, rootKey: rootPublicKey, ...registryTerms })).address;
    const terms = { operator: account(3), closeDelaySec: 60, maxFeeBps: 500, initialFeeBps: 100, salt: 0 };
    const hub = (await Payout.createFromConfig({ registry, ...terms })).address;
    const number = kind === 'production' ? 1 : 2;
    const verifier = await QuoteVerifier.createFromConfig({ registry, kind: number, rootKey: rootPublicKey });
    const dir = mkdtempSync(path.join(folder, 'node-'));
    const deploymentFile = path.join(dir, 'deployment.json');
    const hubs = [{ address: hub, ...terms, endpoint: null }];
    writeDeployment(deploymentFile, {
        version: 1,
        kind,
        rootPublicKey,
        registry,
        registryTerms,
        quoteVerifier: verifier.address,
        hubs,
    });
    const file = path.join(dir, 'node.json');
    const price = { inputNano: '1', cachedInputNano: '1', outputNano: '1', reasoningNano: '1' };
    const config = {
        chain: { endpoints: [nowhere], timeoutMs: 300 },
        deploymentFile,
        hub: hub.toString(),
        dispatcherUrl: nowhere,
        provider: account(5).toString(),
        operatorKeyFile: seedFile,
        gasWalletFile: seedFile,
        receiptLogFile: path.join(dir, 'receipts.jsonl'),
        engine: { kind: 'openai', url: nowhere, modelRoot: '00'.repeat(32) },
        tee: { kind: 'simulated', pkiSeedFile: seedFile },
        prices: price,
        ...settings,
    };
    writeFileSync(file, JSON.stringify(config));
    return file;
}
