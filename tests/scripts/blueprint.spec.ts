import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Address, toNano } from '@ton/core';
import { mnemonicNew, mnemonicToPrivateKey } from '@ton/crypto';
import { WalletContractV5R1 } from '@ton/ton';
import { type RunningDevnetChain, startDevnetChain } from '../../keepers/devnet/chain';

const repository = path.resolve(__dirname, '../..');
const run = promisify(execFile);
const hubs = [{ closeDelaySec: 60, maxFeeBps: 1000, initialFeeBps: 250 }];
const spec = { kind: 'development', rootPublicKey: '01'.repeat(64), governanceDelaySec: 0, hubs };

describe('blueprint, unmodified, against the devnet', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-blueprint-'));
    let devnet: RunningDevnetChain;
    let environment: NodeJS.ProcessEnv;

    beforeAll(async () => {
        devnet = await startDevnetChain();
        const words = await mnemonicNew(24);
        const { publicKey } = await mnemonicToPrivateKey(words);
        const wallet = WalletContractV5R1.create({ publicKey, walletId: { networkGlobalId: -239 } });
        await devnet.chain.payFromFaucet(wallet.address, toNano('50'));
        environment = { ...process.env, WALLET_MNEMONIC: words.join(' '), WALLET_VERSION: 'v5r1' };
        writeFileSync(path.join(folder, 'spec.json'), JSON.stringify(spec));
    });

    afterAll(() => devnet.close());

    async function script(name: string, ...args: string[]): Promise<Record<string, unknown>> {
        const blueprint = path.join(repository, 'node_modules/.bin/blueprint');
        const network = ['--custom', devnet.endpoint, '--mnemonic'];
        const common = ['--deployment', path.join(folder, 'network.json'), '--yes', '--json'];
        const { stdout } = await run(blueprint, ['run', name, ...network, '--', ...common, ...args], {
            cwd: repository,
            env: environment,
        });
        return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
    }

    it('deploys a network and opens an escrow in it', async () => {
        const deployment = await script('deploy-network', '--spec-file', path.join(folder, 'spec.json'));
        const hub = (deployment['hubs'] as { address: string }[])[0]!.address;
        const escrow = await script('open-escrow', '--deposit', '5', '--session-key', '03'.repeat(32));
        expect(escrow).toMatchObject({ hub, phase: 'open' });
        expect(devnet.chain.account(Address.parse(escrow['address'] as string)).balanceNano).toBeGreaterThan(
            toNano('5'),
        );
    }, 180_000);
});
