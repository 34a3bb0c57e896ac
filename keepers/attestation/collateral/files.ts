import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { collateralTexts, type Collateral } from '../collateral-shape';
import { AttestationError } from '../errors';
import { expiryOf, partKeys, type CollateralPart, type PartKind } from './parts';

/** A file of collateral for one piece of evidence. */
export function readCollateralFile(file: string): Collateral {
    return readJson(file, collateralTexts, 'collateral');
}

const bundleFile = z.strictObject({
    format: z.literal('cocoon-collateral-1'),
    parts: z.record(z.string(), z.strictObject({ texts: collateralTexts.partial(), fetchedAtMs: z.number().int() })),
});

/** Parts saved by `writeBundle`, for machines without a way to the collateral service. */
export function readBundle(file: string): Record<string, CollateralPart> {
    const { parts } = readJson(file, bundleFile, 'collateral bundle');
    return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, withExpiry(file, name, part)]));
}

export async function writeBundle(file: string, parts: Record<string, CollateralPart>): Promise<void> {
    const saved = Object.entries(parts).map(([name, { texts, fetchedAtMs }]) => [name, { texts, fetchedAtMs }]);
    const bundle = { format: 'cocoon-collateral-1', parts: Object.fromEntries(saved) as unknown };
    // A reader never meets half a file.
    await writeFile(`${file}.new`, `${JSON.stringify(bundle, null, 1)}\n`);
    await rename(`${file}.new`, file);
}

function withExpiry(file: string, name: string, part: Omit<CollateralPart, 'expiresAtMs'>): CollateralPart {
    const kinds = Object.keys(partKeys) as PartKind[];
    const kind = kinds.find((candidate) => partKeys[candidate].every((key) => part.texts[key] !== undefined));
    try {
        return { ...part, expiresAtMs: expiryOf(kind!, part.texts) };
    } catch (error) {
        throw new AttestationError(
            'file_unusable',
            `${file}: part "${name}" is not collateral: fetch the bundle again`,
            error,
        );
    }
}

export function readJson<T>(file: string, schema: z.ZodType<T>, what: string): T {
    try {
        return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
        throw new AttestationError('file_unusable', `${file} is not a readable ${what} file`, error);
    }
}
