import { Address, Cell, toNano } from '@ton/core';
import { mnemonicNew, mnemonicToPrivateKey } from '@ton/crypto';
import { WalletContractV5R1 } from '@ton/ton';
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { clientOf, fund, resultOf, startTestChain, temporaryDirectory } from './chain-environment';
import { probe } from './probe-contract';

const modules = path.resolve(__dirname, '../../../../node_modules');

/** As in this repository's scripts; blueprint finds scripts only under ./scripts of where it runs. */
const script = `
import { Cell, contractAddress, toNano } from '@ton/core';
import { NetworkProvider } from '@ton/blueprint';

export async function run(provider: NetworkProvider, args: string[]) {
    const init = { code: Cell.fromBase64(args[0]!), data: Cell.fromBase64(args[1]!) };
    const to = contractAddress(0, init);
    await provider.sender().send({ to, value: toNano('1.5'), init });
    await provider.waitForDeploy(to, 3, 100);
    const config = await provider.getConfig();
    provider.ui().write('cell price ' + config.storagePrices[0]!.cell_price_ps);
}
`;

it('blueprint runs a script against the chain, with a wallet from a mnemonic', async () => {
    const chain = await startTestChain();
    const project = temporaryDirectory();
    mkdirSync(path.join(project.path, 'scripts'));
    symlinkSync(modules, path.join(project.path, 'node_modules'));
    writeFileSync(path.join(project.path, 'scripts', 'deployProbe.ts'), script);
    const compilerOptions = { target: 'ES2022', module: 'commonjs', esModuleInterop: true, skipLibCheck: true };
    writeFileSync(path.join(project.path, 'tsconfig.json'), JSON.stringify({ compilerOptions }));

    const mnemonic = await mnemonicNew();
    const { publicKey } = await mnemonicToPrivateKey(mnemonic);
    const wallet = WalletContractV5R1.create({ publicKey });
    await resultOf(fund(chain, wallet.address, toNano('5')));

    const { address, init } = probe();
    const base64 = (cell: Cell) => cell.toBoc().toString('base64');
    const blueprint = path.join(modules, '@ton/blueprint/dist/cli/cli.js');
    const network = ['--custom', chain.endpoint, '--custom-version', 'v2', '--custom-type', 'custom', '--mnemonic'];
    const { stdout } = await promisify(execFile)(
        process.execPath,
        [blueprint, 'run', 'deployProbe', ...network, base64(init.code), base64(init.data)],
        {
            cwd: project.path,
            env: {
                ...process.env,
                WALLET_MNEMONIC: mnemonic.join(' '),
                WALLET_VERSION: 'v5r1',
                TS_NODE_TRANSPILE_ONLY: '1',
            },
        },
    );

    expect(stdout).toContain('Contract deployed at address');
    expect(stdout).toContain('cell price 500');
    const client = clientOf(chain);
    expect(await client.isContractDeployed(address)).toBe(true);
    expect(await client.getBalance(Address.parse(address.toString()))).toBeGreaterThan(toNano('1.49'));
    await chain.close();
    project.remove();
});
