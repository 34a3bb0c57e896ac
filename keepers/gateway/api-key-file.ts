import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CocoonError } from '../base';
import { nanoField, readSecretFile } from '../config';

const count = z.int().min(1).max(1_000_000);

const keySchema = z
    .strictObject({
        name: z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits, dots, dashes: at most 64'),
        /** SHA-256 of the key in hex, or the key itself. */
        sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/, 'must be 32 bytes in hex')
            .optional(),
        key: z.string().min(1).max(256).optional(),
        budgetNano: z
            .strictObject({ day: nanoField.optional(), month: nanoField.optional(), total: nanoField.optional() })
            .default({}),
        /** Those it may ask; all without the list. */
        models: z.array(z.string().min(1).max(128)).min(1).max(256).optional(),
        requestsPerMinute: count.optional(),
        maxConcurrent: count.optional(),
        /** nanoTON a million output tokens */
        maxPriceNano: nanoField.optional(),
    })
    .refine(({ sha256, key }) => (sha256 === undefined) !== (key === undefined), 'needs sha256 or key, one of them');

export const keyFileSchema = z.strictObject({ keys: z.array(keySchema).max(10_000) });
export type KeyEntry = z.input<typeof keySchema>;

/** One of a gateway's callers, with what it may do. */
export interface ApiKey {
    name: string;
    sha256: string;
    /** The key itself stands nowhere on this machine. */
    hashOnly: boolean;
    budgetNano: { day?: bigint; month?: bigint; total?: bigint };
    models?: readonly string[];
    requestsPerMinute?: number;
    maxConcurrent?: number;
    maxPriceNano?: bigint;
}

export function hashKey(key: string): string {
    return createHash('sha256').update(key, 'utf8').digest('hex');
}

/**
 * JSON as above, or one key a line without limits, named `key-1` and so on.
 * @throws CocoonError `config_invalid`, naming the field at fault and never a key
 */
export function parseKeyFile(text: string, file: string): ApiKey[] {
    const keys = text.trimStart().startsWith('{') ? parseJsonKeys(text, file) : parseLines(text);
    if (keys.length === 0) throw invalid(file, 'holds no API key');
    for (const field of ['name', 'sha256'] as const) {
        if (new Set(keys.map((key) => key[field])).size !== keys.length)
            throw invalid(file, field === 'name' ? 'names two keys alike' : 'holds one key twice');
    }
    return keys;
}

export function readKeyFile(file: string): ApiKey[] {
    return parseKeyFile(readSecretFile(file), file);
}

function parseJsonKeys(text: string, file: string): ApiKey[] {
    const parsed = keyFileSchema.safeParse(parseJson(text, file));
    if (parsed.success)
        return parsed.data.keys.map(({ key, sha256, ...limits }) => ({
            ...limits,
            sha256: sha256 ?? hashKey(key!),
            hashOnly: key === undefined,
        }));
    const issue = parsed.error.issues[0]!;
    throw invalid(file, `${issue.path.join('.')}: ${issue.message}`);
}

function parseLines(text: string): ApiKey[] {
    const lines = text.split('\n').map((line) => line.trim());
    return [...new Set(lines.filter((line) => line !== ''))].map((key, index) => ({
        name: `key-${index + 1}`,
        sha256: hashKey(key),
        hashOnly: false,
        budgetNano: {},
    }));
}

function parseJson(text: string, file: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        // The parser's own words would quote a key.
        throw invalid(file, 'is not valid JSON');
    }
}

function invalid(file: string, problem: string): CocoonError {
    return new CocoonError('config_invalid', `${file}: ${problem}`, { action: 'fix' });
}
