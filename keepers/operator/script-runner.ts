import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { Address, type Contract, type OpenedContract, type Sender } from '@ton/core';
import { z } from 'zod';
import { CocoonError, errorMessage } from '../base';
import { v5Sender, walletKeyFromSeed } from '../chain';
import { readSeedFile } from '../config';
import { type ActConsole, runAct } from './act';
import { type ActName, acts } from './act-catalog';
import type { OperatorContext } from './context';
import type { Act } from './define-act';
import { deployNetwork } from './deploy-network';
import { DeploymentFile } from './deployment-file';
import { OperatorError } from './errors';
import type { NetworkSpec } from './network-spec';
import { resultJson } from './result-json';
import {
    helpText,
    parseScriptArguments,
    readOption,
    type ScriptFlags,
    type ScriptOption,
    scriptOptions,
} from './script-arguments';

/** The part of blueprint's NetworkProvider that scripts use. */
export interface ScriptProvider {
    network(): string;
    sender(): Sender;
    api(): unknown;
    open<T extends Contract>(contract: T): OpenedContract<T>;
    ui(): {
        write(message: string): void;
        prompt(message: string): Promise<boolean>;
        input(message: string): Promise<string>;
    };
}

export async function runActScript(name: ActName, provider: ScriptProvider, args: readonly string[]): Promise<void> {
    const act = acts[name] as unknown as Act;
    await runScript({ name, purpose: act.purpose, schema: act.args }, { provider, args }, async (script) => {
        const plan = await act(script.context, script.values);
        return runAct(plan, { ...script.options, sender: script.context.sender });
    });
}

const deployNetworkArguments = z.strictObject({
    specFile: z.string().min(1).describe('JSON file that says what the network has, see docs/deploy.md'),
});

export async function runDeployNetworkScript(provider: ScriptProvider, args: readonly string[]): Promise<void> {
    const about = {
        name: 'deploy-network',
        purpose: 'Brings a whole network about, or what is missing of it; safe to stop and run again',
        schema: deployNetworkArguments,
    };
    await runScript(about, { provider, args }, (script) =>
        deployNetwork(script.context, readSpec(String(script.values.specFile)), script.options),
    );
}

interface About {
    name: string;
    purpose: string;
    schema: z.ZodObject;
}

interface Invocation {
    provider: ScriptProvider;
    args: readonly string[];
}

interface Script {
    context: OperatorContext;
    values: Record<string, unknown>;
    options: { console: ActConsole; dryRun: boolean; assumeYes: boolean };
}

async function runScript(
    { name, purpose, schema }: About,
    { provider, args }: Invocation,
    work: (script: Script) => Promise<unknown>,
): Promise<void> {
    try {
        const options = scriptOptions(schema);
        const { flags, values } = parseScriptArguments(args, options);
        if (flags.help) return helpText(name, purpose, options).forEach((line) => provider.ui().write(line));
        if (!flags.yes) await askForMissing(provider, options, values);
        const result = await work({
            context: contextOf(provider, flags),
            values,
            options: { console: consoleOf(provider, flags), dryRun: flags.dryRun, assumeYes: flags.yes },
        });
        // Not through the ui: that one decorates its lines.
        if (flags.json) process.stdout.write(`${resultJson(result)}\n`);
    } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === null) throw error;
        // Where the arguments themselves are refused, nothing says yet that a machine reads.
        if (args.includes('--json')) process.stdout.write(`${resultJson({ error: refusal })}\n`);
        throw new ScriptRefusal(refusal, error);
    }
}

async function askForMissing(
    provider: ScriptProvider,
    options: readonly ScriptOption[],
    values: Record<string, unknown>,
): Promise<void> {
    for (const option of options) {
        if (option.isOptional || option.key in values) continue;
        const unit = option.isTon ? ', TON' : '';
        values[option.key] = readOption(
            option,
            await provider.ui().input(`${option.flag}: ${option.description}${unit}`),
        );
    }
}

function contextOf(provider: ScriptProvider, flags: ScriptFlags): OperatorContext {
    const file = flags.deployment ?? path.join('deployments', `${provider.network()}.json`);
    return {
        open: (contract) => provider.open(contract),
        sender: senderOf(provider, flags),
        nowSec: () => chainTimeSec(provider.api()),
        deployment: new DeploymentFile(file),
    };
}

function senderOf(provider: ScriptProvider, { keyFile }: ScriptFlags): OperatorContext['sender'] {
    if (keyFile !== null) {
        // As `cocoon key-file show` names it; blueprint knows wallets by their words alone.
        return v5Sender({
            key: walletKeyFromSeed(readSeedFile(keyFile)),
            networkGlobalId: provider.network() === 'testnet' ? -3 : -239,
            open: (contract) => provider.open(contract),
            nowSec: () => chainTimeSec(provider.api()),
        });
    }
    const sender = provider.sender();
    const { address } = sender;
    if (address === undefined) {
        throw new OperatorError(
            'not_ready',
            'this way of sending has no address: use --mnemonic or --tonconnect, or name a --key-file after the --',
        );
    }
    return { address, send: (message) => sender.send(message) };
}

const clockAccount = new Address(0, Buffer.alloc(32));

/** The chain's own time where the client tells it: a devnet's clock may be far from ours. */
async function chainTimeSec(api: unknown): Promise<number> {
    const client = api as {
        getContractState?(address: Address): Promise<{ timestampt: number }>;
        getLastBlock?(): Promise<{ now: number }>;
    };
    if (client.getContractState) return (await client.getContractState(clockAccount)).timestampt;
    if (client.getLastBlock) return (await client.getLastBlock()).now;
    return Math.floor(Date.now() / 1000);
}

/** With --json people's lines are left out: the result is the last line that the script writes. */
function consoleOf(provider: ScriptProvider, { json }: ScriptFlags): ActConsole {
    return {
        write: (line) => (json ? undefined : provider.ui().write(line)),
        confirm: (question) => provider.ui().prompt(question),
    };
}

function readSpec(file: string): NetworkSpec {
    try {
        return JSON.parse(readFileSync(file, 'utf8')) as NetworkSpec;
    } catch (error) {
        throw new OperatorError('argument_invalid', `${file}: ${errorMessage(error)}`, { cause: error });
    }
}

interface Refusal {
    code: string;
    message: string;
}

/** What an operator can mend, or an endpoint said; null for any other error, whose stack is wanted. */
function refusalOf(error: unknown): Refusal | null {
    if (error instanceof CocoonError) return { code: (error as CocoonError).code, message: error.message };
    const message = endpointAnswer(error);
    return message === null ? null : { code: 'endpoint_refused', message };
}

/** Blueprint prints what a script throws as Node shows objects; this one shows as the line that `cocoon` would print. */
class ScriptRefusal extends Error {
    constructor({ code, message }: Refusal, cause: unknown) {
        super(`${message} (${code})`, { cause });
    }

    [inspect.custom](): string {
        return this.message;
    }
}

/** What the HTTP endpoint said about a refused request; null for any other error. */
function endpointAnswer(error: unknown): string | null {
    if (!(error instanceof Error) || !('isAxiosError' in error)) return null;
    const { response } = error as { response?: { status: number; data?: { error?: unknown } } };
    const reason = response?.data?.error;
    return `The endpoint answered ${response?.status ?? 'nothing'}: ${typeof reason === 'string' ? reason : error.message}`;
}
