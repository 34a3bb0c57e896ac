import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { errorMessage } from '../base';
import { ConfigError } from './errors';
import { nanoField } from './fields';
import { replaceFile } from './replace-file';

/** What fits an offer's field. */
const maxPriceNano = (1n << 64n) - 1n;
const maxFileBytes = 256 * 1024;

const priceNano = nanoField.refine((amountNano) => amountNano <= maxPriceNano, 'is more than an offer can say');

export const modelPricesSchema = z
    .strictObject({
        inputNano: priceNano,
        cachedInputNano: priceNano,
        outputNano: priceNano,
        reasoningNano: priceNano,
    })
    .refine((prices) => prices.cachedInputNano <= prices.inputNano, {
        path: ['cachedInputNano'],
        message: 'a cached token must not cost more than one that is read anew',
    });

/** nanoTON a million tokens, by model: over the prices of the configuration. */
export type PublishedPrices = ReadonlyMap<string, z.output<typeof modelPricesSchema>>;

const pricesFileSchema = z.strictObject({
    version: z.literal(1),
    models: z.record(z.string().min(1).max(128), modelPricesSchema),
});

/**
 * Prices that `cocoon node set-prices` published; none when there is no such file.
 * @throws ConfigError
 */
export function readPricesFile(file: string): PublishedPrices {
    const text = readIfThere(file);
    if (text === null) return new Map();
    const parsed = pricesFileSchema.safeParse(parseJson(file, text));
    if (parsed.success) return new Map(Object.entries(parsed.data.models));
    const issues = parsed.error.issues.map(({ path, message }) => `  ${path.join('.') || '(top level)'}: ${message}`);
    throw new ConfigError('config_invalid', `${file}: prices are not valid:\n${issues.join('\n')}`);
}

/** @throws ConfigError when the prices are not ones that a node would take */
export function writePricesFile(file: string, prices: PublishedPrices): void {
    const models = Object.fromEntries(
        [...prices].map(([model, price]) => [
            model,
            Object.fromEntries(Object.entries(price).map(([field, amountNano]) => [field, amountNano.toString()])),
        ]),
    );
    const parsed = pricesFileSchema.safeParse({ version: 1, models });
    if (!parsed.success) throw new ConfigError('config_invalid', z.prettifyError(parsed.error));
    replaceFile(file, `${JSON.stringify({ version: 1, models }, null, 4)}\n`, { synced: true });
}

function readIfThere(file: string): string | null {
    try {
        if (statSync(file).size > maxFileBytes) throw new Error(`is over ${maxFileBytes} bytes`);
        return readFileSync(file, 'utf8');
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw new ConfigError('config_unreadable', `${file}: ${errorMessage(error)}`, error);
    }
}

function parseJson(file: string, text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch (error) {
        throw new ConfigError('config_invalid', `${file}: is not JSON: ${errorMessage(error)}`, error);
    }
}
