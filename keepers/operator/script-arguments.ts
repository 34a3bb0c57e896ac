import { z } from 'zod';
import { errorMessage, parseTon } from '../base';
import { OperatorError } from './errors';

/** What every script takes besides its act's arguments. */
export interface ScriptFlags {
    dryRun: boolean;
    yes: boolean;
    json: boolean;
    help: boolean;
    deployment: string | null;
    /** The seed of the sender's wallet, in place of blueprint's. */
    keyFile: string | null;
}

export interface ScriptArguments {
    flags: ScriptFlags;
    /** by the argument's name in the schema */
    values: Record<string, unknown>;
}

/** One argument of an act as the command line has it. */
export interface ScriptOption {
    /** "depositNano" */
    key: string;
    /** "--deposit" */
    flag: string;
    /** amounts are written in TON */
    isTon: boolean;
    isOptional: boolean;
    description: string;
}

const switches = { '--dry-run': 'dryRun', '--yes': 'yes', '--json': 'json', '--help': 'help' } as const;

export function scriptOptions(schema: z.ZodObject): ScriptOption[] {
    return Object.entries(schema.shape as Record<string, z.ZodType>).map(([key, field]) => ({
        key,
        flag: `--${kebab(key.replace(/Nano$/, ''))}`,
        isTon: key.endsWith('Nano'),
        isOptional: field.safeParse(undefined).success,
        description: field.description ?? '',
    }));
}

/** @throws OperatorError `argument_invalid` that names the argument */
export function parseScriptArguments(args: readonly string[], options: readonly ScriptOption[]): ScriptArguments {
    const flags: ScriptFlags = {
        dryRun: false,
        yes: false,
        json: false,
        help: false,
        deployment: null,
        keyFile: null,
    };
    const values: Record<string, unknown> = {};
    const rest = [...args];
    while (rest.length > 0) {
        const [name, inline] = splitOnce(rest.shift()!);
        if (name in switches && inline === null) {
            flags[switches[name as keyof typeof switches]] = true;
            continue;
        }
        const value = inline ?? rest.shift();
        if (value === undefined) throw new OperatorError('argument_invalid', `${name} needs a value`);
        const option = options.find(({ flag }) => flag === name);
        if (name === '--deployment') flags.deployment = value;
        else if (name === '--key-file') flags.keyFile = value;
        else if (option) values[option.key] = readOption(option, value);
        else throw new OperatorError('argument_invalid', `${name} is unknown: see --help`);
    }
    return { flags, values };
}

/** An amount on the command line is in TON, everything else goes to the schema as it is. */
export function readOption({ flag, isTon }: ScriptOption, value: string): unknown {
    if (!isTon) return value;
    try {
        return parseTon(value);
    } catch (error) {
        throw new OperatorError('argument_invalid', `${flag}: ${errorMessage(error)}`, { cause: error });
    }
}

export function helpText(name: string, purpose: string, options: readonly ScriptOption[]): string[] {
    const line = (flag: string, text: string) => `  ${flag.padEnd(24)} ${text}`;
    return [
        `${name}: ${purpose}`,
        `npx blueprint run ${name} [network and wallet of blueprint] -- [options]`,
        ...options.map(({ flag, description, isTon, isOptional }) =>
            line(flag, `${description}${isTon ? ', TON' : ''}${isOptional ? '' : ' (asked for when missing)'}`),
        ),
        line('--deployment FILE', 'addresses of the network; deployments/<network>.json unless given'),
        line(
            '--key-file FILE',
            'send from the V5 wallet of this key file; blueprint gets --deeplink in place of a wallet',
        ),
        line('--dry-run', 'show what would be sent, send nothing'),
        line('--yes', 'ask nothing'),
        line('--json', 'print the result as one line of JSON'),
    ];
}

function splitOnce(text: string): [string, string | null] {
    const at = text.startsWith('--') ? text.indexOf('=') : -1;
    return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function kebab(camel: string): string {
    return camel.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
