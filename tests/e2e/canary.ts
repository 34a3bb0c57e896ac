import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { scanForPlaintext } from '../../keepers/devnet/demo/plaintext-scan';
import { openDatabase } from '../../keepers/ledger';
import type { TokenUsage } from '../../keepers/confidential';

export interface Capture {
    where: string;
    bytes: Buffer;
}

/** Texts that occur nowhere by chance, each remembered with where it was planted. */
export class Canaries {
    private readonly planted = new Map<string, string>();

    /** Letters only, so that no encoding of them is rarer than they are. */
    plant(where: string): string {
        const letters = [...randomBytes(32)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');
        this.planted.set(letters, where);
        return letters;
    }

    /** A text that somebody else chose, such as a model's answer. */
    add(text: string, where: string): void {
        this.planted.set(text, where);
    }

    get count(): number {
        return this.planted.size;
    }

    /** "<where it was planted> in <where it was found>", none twice. */
    foundIn(captures: readonly Capture[]): string[] {
        const found = [...this.planted].flatMap(([text, where]) =>
            scanForPlaintext(captures, [text]).map((finding) => `${where} in ${finding.where}`),
        );
        return [...new Set(found)];
    }
}

/** Token counts as text, alone between other characters than digits, or as the protocol encodes a usage. */
export function countsFoundIn(captures: readonly Capture[], usages: readonly TokenUsage[]): string[] {
    return captures.flatMap(({ where, bytes }) => {
        const text = bytes.toString('latin1');
        return usages.flatMap((usage) => [
            ...[usage.promptTokens, usage.completionTokens, usage.promptTokens + usage.completionTokens]
                .filter((count) => count > 0 && new RegExp(`(?<!\\d)${count}(?!\\d)`).test(text))
                .map((count) => `${count} in ${where}`),
            ...(encodings(usage).some((encoded) => bytes.includes(encoded)) ? [`a usage in ${where}`] : []),
        ]);
    });
}

/** Neighbours in a usage, of either byte order; one number of four bytes alone is found by chance. */
function encodings({ promptTokens, cachedPromptTokens, completionTokens, reasoningTokens }: TokenUsage): Buffer[] {
    const pairs = [
        [promptTokens, cachedPromptTokens],
        [completionTokens, reasoningTokens],
        [promptTokens, completionTokens],
    ] as const;
    return pairs.flatMap(([first, second]) => {
        const [big, little] = [Buffer.alloc(8), Buffer.alloc(8)];
        big.writeUInt32BE(first, 0);
        big.writeUInt32BE(second, 4);
        little.writeUInt32LE(first, 0);
        little.writeUInt32LE(second, 4);
        return first + second === 0 ? [] : [big, little];
    });
}

/** Columns of a ledger that hold one of these numbers, which SQLite packs in ways that a scan of bytes would miss. */
export function countsInDatabase(file: string, counts: readonly number[]): string[] {
    const database = openDatabase({ file });
    try {
        const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
            name: string;
        }[];
        return tables.flatMap(({ name }) => {
            const statement = database.prepare(`SELECT * FROM "${name}"`);
            statement.setReadBigInts(true);
            const rows = statement.all() as Record<string, unknown>[];
            return rows.flatMap((row) =>
                Object.entries(row)
                    .filter(([, value]) => typeof value === 'bigint' && counts.includes(Number(value)))
                    .map(([column]) => `${name}.${column}`),
            );
        });
    } finally {
        database.close();
    }
}

export function captureOf(where: string, file: string): Capture {
    return { where, bytes: readFileSync(file) };
}
