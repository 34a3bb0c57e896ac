import { existsSync, readFileSync } from 'node:fs';
import { ManualClock } from '../../../../keepers/base';
import { readPricesFile } from '../../../../keepers/config';
import { runSetPrices, type SetPricesOptions } from '../../../../keepers/cli/provider/set-prices';
import { nodeFiles } from '../../../../keepers/node';
import { configured } from './configured-node';

const prices = { inputNano: '400', cachedInputNano: '100', outputNano: '1600', reasoningNano: '1600' };

async function stopped() {
    const config = await configured({ settings: { prices } });
    const settings = JSON.parse(readFileSync(config, 'utf8')) as { receiptLogFile: string };
    const set = async (options: Partial<SetPricesOptions>) => {
        const { output, exitCode } = await runSetPrices(
            { config, model: 'toy', json: true, ...options },
            new ManualClock(0),
        );
        return { exitCode, ...(JSON.parse(output) as { state: string; after: Record<string, string> }) };
    };
    return { set, file: nodeFiles(settings).prices };
}

describe('set-prices, while no node runs', () => {
    test('stores them for the next start; prices not named stay', async () => {
        const { set, file } = await stopped();
        expect(await set({ output: '0.000003' })).toMatchObject({
            exitCode: 0,
            state: 'stored',
            after: { ...prices, outputNano: '3000' },
        });
        await set({ reasoning: '0.000004' });
        expect(readPricesFile(file).get('toy')).toMatchObject({
            inputNano: 400n,
            outputNano: 3000n,
            reasoningNano: 4000n,
        });
    });

    test('keeps the prices of other models', async () => {
        const { set, file } = await stopped();
        await set({ output: '1' });
        await set({ model: 'other', output: '2' });
        expect([...readPricesFile(file)].map(([model, { outputNano }]) => [model, outputNano])).toEqual([
            ['toy', 1_000_000_000n],
            ['other', 2_000_000_000n],
        ]);
    });

    test('writes nothing when it is only to show', async () => {
        const { set, file } = await stopped();
        expect(await set({ output: '1', dryRun: true })).toMatchObject({ state: 'dry_run' });
        expect(existsSync(file)).toBe(false);
    });

    test.each<[string, Partial<SetPricesOptions>, RegExp]>([
        ['no price', {}, /name at least one price/],
        ['a price below zero', { output: '-1' }, /nanoTON/],
        ['a price of ten decimals', { output: '0.0000000001' }, /not an amount/],
        ['a price that no offer can say', { output: '99999999999' }, /more than an offer/],
        ['cached tokens dearer than new ones', { cachedInput: '1' }, /cached token must not cost more/],
    ])('refuses %s, and leaves what was', async (_what, options, reason) => {
        const { set, file } = await stopped();
        await expect(set(options)).rejects.toThrow(reason);
        expect(existsSync(file)).toBe(false);
    });
});
