import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CocoonError } from '../base';
import { readSecretFile } from '../config';
import { hashKey, type KeyEntry, parseKeyFile } from '../gateway/api-key-file';

export interface AddKeyOptions {
    file: string;
    name: string;
    budgetDay?: string;
    budgetMonth?: string;
    budgetTotal?: string;
    model?: string[];
    rate?: string;
    concurrent?: string;
    maxPrice?: string;
}

/** The keys of a gateway's callers. A running gateway reads the file again when it changes. */
export function addKeysCommands(program: Command): void {
    const keys = program.command('keys').description('API keys of a gateway: add, list, revoke');
    keys.command('add')
        .description('make a key, print it once, and keep its hash in the file')
        .requiredOption('--file <file>', 'the gateway’s apiKeysFile; made when missing')
        .requiredOption('--name <name>', 'what receipts call it')
        .option('--budget-day <nanoTON>', 'most it may spend in a UTC day')
        .option('--budget-month <nanoTON>', 'most it may spend in a UTC month')
        .option('--budget-total <nanoTON>', 'most it may spend ever')
        .option('--model <models...>', 'the only models that it may ask')
        .option('--rate <number>', 'requests a minute')
        .option('--concurrent <number>', 'requests open at once')
        .option('--max-price <nanoTON>', 'for a million output tokens')
        .action((options: AddKeyOptions) => void process.stdout.write(`${addKey(options)}\n`));
    keys.command('list')
        .description('show the keys’ names and limits')
        .requiredOption('--file <file>', 'the gateway’s apiKeysFile')
        .action(({ file }: { file: string }) => void process.stdout.write(`${listKeys(file)}\n`));
    keys.command('revoke')
        .description('take a key out of the file')
        .argument('<name>', 'of the key')
        .requiredOption('--file <file>', 'the gateway’s apiKeysFile')
        .action((name: string, { file }: { file: string }) => revokeKey(file, name));
}

/** @returns the key itself, which is kept nowhere */
export function addKey(options: AddKeyOptions): string {
    const { file, name } = options;
    const entries = existsSync(file) ? readEntries(file) : [];
    const key = `sk-cocoon-${randomBytes(32).toString('base64url')}`;
    const budgetNano = {
        ...(options.budgetDay !== undefined && { day: options.budgetDay }),
        ...(options.budgetMonth !== undefined && { month: options.budgetMonth }),
        ...(options.budgetTotal !== undefined && { total: options.budgetTotal }),
    };
    const entry: KeyEntry = {
        name,
        sha256: hashKey(key),
        budgetNano,
        ...(options.model !== undefined && { models: options.model }),
        ...(options.rate !== undefined && { requestsPerMinute: Number(options.rate) }),
        ...(options.concurrent !== undefined && { maxConcurrent: Number(options.concurrent) }),
        ...(options.maxPrice !== undefined && { maxPriceNano: options.maxPrice }),
    };
    writeEntries(file, [...entries, entry]);
    return key;
}

export function listKeys(file: string): string {
    const shown = parseKeyFile(readSecretFile(file), file).map(({ sha256, ...key }) => ({
        ...key,
        sha256: `${sha256.slice(0, 8)}…`,
    }));
    return shown.map((key) => JSON.stringify(key, (_name, value: unknown) => plain(value))).join('\n');
}

export function revokeKey(file: string, name: string): void {
    const entries = readEntries(file);
    const left = entries.filter((entry) => entry.name !== name);
    if (left.length === entries.length)
        throw new CocoonError('argument_invalid', `${file} has no key '${name}'`, { action: 'fix' });
    if (left.length === 0) {
        const message = `'${name}' is the only key: add another one first, a gateway does not run without any`;
        throw new CocoonError('argument_invalid', message, { action: 'fix' });
    }
    writeEntries(file, left);
}

/** As they stand in the file; one key a line becomes entries with the names that the gateway gives them. */
function readEntries(file: string): KeyEntry[] {
    const text = readSecretFile(file);
    const keys = parseKeyFile(text, file);
    if (text.startsWith('{')) return (JSON.parse(text) as { keys: KeyEntry[] }).keys;
    return keys.map(({ name, sha256 }) => ({ name, sha256, budgetNano: {} }));
}

/** Whole or not at all, since a gateway may read it at any moment; checked as the gateway will check it. */
function writeEntries(file: string, keys: KeyEntry[]): void {
    const text = `${JSON.stringify({ keys }, null, 4)}\n`;
    parseKeyFile(text, file);
    const next = `${file}.new`;
    writeFileSync(next, text, { mode: 0o600 });
    renameSync(next, file);
}

function plain(value: unknown): unknown {
    return typeof value === 'bigint' ? value.toString() : value;
}
