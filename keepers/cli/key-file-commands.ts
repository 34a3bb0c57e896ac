import type { Command } from 'commander';
import { CocoonError } from '../base';
import { isSealed, readOwnersFile, usePassphrase } from '../config';
import { finish } from './finish';
import type { CommandResult } from './verify-quote-command';
import { askPassphrase } from './key-file/ask-passphrase';
import type { KeyFileFacts, NewPassphrase } from './key-file/key-file';

interface PassphraseOptions {
    passphraseFile?: string;
    newPassphraseFile?: string;
    json?: boolean;
}

const ofThisFile =
    'the first line is the passphrase; else the environment (see docs/operations.md), else you are asked';

/** Key files of roles: made, shown, encrypted. (`cocoon keys` is about the API keys of a gateway's callers.) */
export function addKeyFileCommands(program: Command): void {
    const keyFile = program.command('key-file').description('key files of roles: generate, show, encrypt, decrypt');
    keyFile
        .command('generate')
        .description('make a key that no file of that name holds yet, and say its public part')
        .argument('<file>')
        .option('--encrypt', 'under a passphrase')
        .option('--new-passphrase-file <file>', ofThisFile)
        .option('--json', 'print one JSON object')
        .action((file: string, options: PassphraseOptions & { encrypt?: boolean }) =>
            finish(async () => {
                return shown(
                    await actions().generateKeyFile(file, options.encrypt ? newPassphraseOf(options) : null),
                    options,
                );
            }),
        );
    keyFile
        .command('show')
        .description('the public key and wallet address of a key file')
        .argument('<file>')
        .option('--passphrase-file <file>', ofThisFile)
        .option('--json', 'print one JSON object')
        .action((file: string, options: PassphraseOptions) =>
            finish(async () => {
                await takePassphrase(file, options);
                return shown(await actions().showKeyFile(file), options);
            }),
        );
    addChange(keyFile, 'encrypt', 'put a key file under a passphrase', (file, options) =>
        actions().encryptKeyFile(file, newPassphraseOf(options)),
    );
    addChange(keyFile, 'reencrypt', 'give an encrypted key file another passphrase', async (file, options) => {
        await takePassphrase(file, options);
        await actions().reencryptKeyFile(file, newPassphraseOf(options));
    });
    addChange(keyFile, 'decrypt', 'put a key file back in clear, for its owner only', async (file, options) => {
        await takePassphrase(file, options);
        actions().decryptKeyFile(file);
    });
}

function addChange(
    keyFile: Command,
    name: string,
    description: string,
    change: (file: string, options: PassphraseOptions) => Promise<void>,
): void {
    keyFile
        .command(name)
        .description(description)
        .argument('<file>')
        .option('--passphrase-file <file>', `of the present encryption; ${ofThisFile}`)
        .option('--new-passphrase-file <file>', `of the new one; ${ofThisFile}`)
        .action((file: string, options: PassphraseOptions) =>
            finish(async () => {
                await change(file, options);
                return { output: `${name}: ${file}`, exitCode: 0 };
            }),
        );
}

/** Loaded when one is called: the rest of the commands need no wallet. */
function actions() {
    const keyFile = require('./key-file/key-file') as typeof import('./key-file/key-file');
    return keyFile;
}

/** Of the file as it is; roles have nobody to ask, so they are given it by file or environment. */
async function takePassphrase(file: string, { passphraseFile }: PassphraseOptions): Promise<void> {
    if (passphraseFile !== undefined) return usePassphrase(lineOf(passphraseFile));
    const inEnvironment = Object.keys(process.env).some((name) => name.startsWith('COCOON_KEY_PASSPHRASE'));
    if (inEnvironment || !isSealed(readOwnersFile(file))) return;
    usePassphrase(await askPassphrase(`passphrase of ${file}: `));
}

function newPassphraseOf({ newPassphraseFile }: PassphraseOptions): NewPassphrase {
    return async () => {
        if (newPassphraseFile !== undefined) return lineOf(newPassphraseFile);
        const typed = await askPassphrase('new passphrase: ');
        if (typed === undefined)
            throw new CocoonError('passphrase_missing', 'name --new-passphrase-file: there is no terminal to ask on', {
                action: 'fix',
            });
        if (typed === (await askPassphrase('once more: '))) return typed;
        throw new CocoonError('passphrase_wrong', 'the two differ: nothing was changed', { action: 'fix' });
    };
}

function lineOf(file: string): string {
    return readOwnersFile(file).split('\n', 1)[0]!.replace(/\r$/, '');
}

function shown(facts: KeyFileFacts, { json }: PassphraseOptions): CommandResult {
    const { file, encrypted, publicKey, wallet } = facts;
    const text = [
        `${file}, ${encrypted ? 'encrypted' : 'in clear'}`,
        `public key  ${publicKey}`,
        `wallet      ${wallet} (V5, if it is one)`,
    ].join('\n');
    return { output: json ? JSON.stringify(facts) : text, exitCode: 0 };
}
