import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { Address, type Contract, type Sender, toNano } from '@ton/core';
import { generateKeyFile } from '../../../keepers/cli/key-file/key-file';
import { acts, type OperatorContext } from '../../../keepers/operator';
import { resultJson } from '../../../keepers/operator/result-json';
import { parseScriptArguments, scriptOptions } from '../../../keepers/operator/script-arguments';
import { runActScript, runDeployNetworkScript } from '../../../keepers/operator/script-runner';
import { repositoryFiles } from '../../repository/source-files';
import { createOperatorChain } from './operator-chain';

const options = scriptOptions(acts['open-escrow'].args);
const sessionKey = '03'.repeat(32);

describe('arguments of scripts', () => {
    it('are named after the act’s own, amounts in TON', () => {
        expect(options.map(({ flag }) => flag)).toEqual([
            '--hub',
            '--index',
            '--session-key',
            '--session-life-sec',
            '--deposit',
        ]);
        const { values, flags } = parseScriptArguments(['--deposit', '1.5', '--index=2', '--dry-run'], options);
        expect(values).toEqual({ depositNano: 1_500_000_000n, index: '2' });
        expect(flags).toEqual({
            dryRun: true,
            yes: false,
            json: false,
            help: false,
            deployment: null,
            keyFile: null,
        });
    });

    it.each([
        [['--depositt', '1'], '--depositt is unknown'],
        [['--deposit'], '--deposit needs a value'],
        [['--deposit', '1.0000000001'], '--deposit: "1.0000000001" is not an amount in TON'],
    ])('refuse %j', (args, message) => {
        expect(() => parseScriptArguments(args, options)).toThrow(message);
    });

    it('exist for every act, and every act has a script', () => {
        const scripts = repositoryFiles('scripts/*.ts').map((file) => path.basename(file, '.ts'));
        expect(scripts.sort()).toEqual([...Object.keys(acts), 'deploy-network'].sort());
    });
});

describe('results as JSON', () => {
    it('keep amounts exact and bytes as hex', () => {
        const result = {
            balanceNano: 2n ** 70n,
            key: Buffer.from('0a', 'hex'),
            paid: new Map([['ab', 1n]]),
            none: null,
        };
        expect(JSON.parse(resultJson(result))).toEqual({
            balanceNano: '1180591620717411303424',
            key: '0a',
            paid: { ab: '1' },
            none: null,
        });
    });
});

/** Blueprint's part of a script: what it prints and asks. */
function providerFor(context: OperatorContext, answers: string[] = []) {
    const written: string[] = [];
    const asked: string[] = [];
    return {
        written,
        asked,
        network: () => 'custom',
        sender: () => context.sender,
        api: () => ({ getLastBlock: async () => ({ now: await context.nowSec() }) }),
        open: <T extends Contract>(contract: T) => context.open(contract),
        ui: () => ({
            write: (line: string) => void written.push(line),
            prompt: (question: string) => {
                asked.push(question);
                return Promise.resolve(true);
            },
            input: (question: string) => {
                asked.push(question);
                return Promise.resolve(answers.shift() ?? '');
            },
        }),
    };
}

describe('scripts', () => {
    it('deploy a network from a spec file, ask for what is missing, and print the result', async () => {
        const chain = await createOperatorChain();
        const operator = await chain.actor('operator');
        const specFile = path.join(chain.folder, 'spec.json');
        const hubs = [{ closeDelaySec: 60, maxFeeBps: 1000, initialFeeBps: 250 }];
        const rootPublicKey = '01'.repeat(64);
        writeFileSync(specFile, JSON.stringify({ kind: 'development', rootPublicKey, governanceDelaySec: 0, hubs }));
        const at = ['--deployment', operator.deployment.file];
        await runDeployNetworkScript(providerFor(operator), [...at, '--spec-file', specFile, '--yes']);
        expect(JSON.parse(readFileSync(operator.deployment.file, 'utf8'))).toMatchObject({ version: 1 });

        const provider = providerFor(operator, [sessionKey, '2.5']);
        await runActScript('open-escrow', provider, at);
        expect(provider.asked).toEqual([
            expect.stringContaining('--session-key'),
            expect.stringContaining('--deposit'),
            'Send 1 message(s)?',
        ]);
        expect(provider.written.some((line) => line.includes('open, epoch'))).toBe(true);
    });

    it('send from the wallet of a key file, where blueprint has none', async () => {
        const chain = await createOperatorChain();
        const operator = await chain.actor('operator');
        const at = ['--deployment', operator.deployment.file];
        const specFile = path.join(chain.folder, 'spec.json');
        const rootPublicKey = '01'.repeat(64);
        writeFileSync(
            specFile,
            JSON.stringify({ kind: 'development', rootPublicKey, governanceDelaySec: 0, hubs: [] }),
        );
        await runDeployNetworkScript(providerFor(operator), [...at, '--spec-file', specFile, '--yes']);

        const keyFile = path.join(chain.folder, 'owner.key');
        const owner = Address.parse((await generateKeyFile(keyFile, null)).wallet);
        await operator.sender.send({ to: owner, value: toNano('50'), bounce: false });
        const provider = { ...providerFor(operator), sender: (): Sender => ({ send: () => Promise.reject(noWallet) }) };
        const noWallet = new Error('blueprint has no wallet');
        const create = ['--operator-key', sessionKey, '--yes', ...at];
        await expect(runActScript('create-provider', provider, create)).rejects.toThrow(/name a --key-file/);
        const by = ['--key-file', keyFile];
        await runActScript('create-provider', provider, [...create, ...by]);
        await runActScript('bond', provider, ['--bond', '12', '--yes', ...at, ...by]);
        expect(provider.written).toContain(`  owner ${owner.toString()}`);
        expect(provider.written.filter((line) => line.startsWith('  bond 12'))).toHaveLength(1);
    });

    it('report a refusal in the one line that cocoon would print, and under --json as an object as well', async () => {
        const chain = await createOperatorChain();
        const operator = await chain.actor('operator');
        const at = ['--deployment', path.join(chain.folder, 'none.json')];
        const written: string[] = [];
        const stdout = jest.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
        const refusalOf = (args: string[]) =>
            runActScript('claim', providerFor(operator), args).then(
                () => null,
                (reason: unknown) => reason,
            );
        const [forPeople, forMachines] = [await refusalOf(at), await refusalOf([...at, '--json'])];
        stdout.mockRestore();
        // Blueprint hands what a script throws to console.error, which shows it by `inspect`.
        expect(inspect(forPeople)).toMatch(/^[^\n[]*none\.json does not exist[^\n]* \(not_ready\)$/);
        expect(inspect(forMachines)).toBe(inspect(forPeople));
        expect(written.map((line) => JSON.parse(line) as object)).toEqual([
            { error: { code: 'not_ready', message: expect.stringContaining('none.json does not exist') as string } },
        ]);
    });
});
