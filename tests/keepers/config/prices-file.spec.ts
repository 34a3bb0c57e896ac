import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readPricesFile, writePricesFile } from '../../../keepers/config';
import { temporaryFolder } from '../ledger/temporary-folder';

const folder = temporaryFolder();
const prices = { inputNano: 4n, cachedInputNano: 1n, outputNano: 16n, reasoningNano: 16n };

function fileWith(text: string): string {
    const file = path.join(folder, `${Math.random()}.json`);
    writeFileSync(file, text);
    return file;
}

const published = (changes: object) =>
    JSON.stringify({
        version: 1,
        models: { toy: { inputNano: '4', cachedInputNano: '1', outputNano: '16', reasoningNano: '16', ...changes } },
    });

test('what was published is read back, to the nanoTON', () => {
    const file = path.join(folder, 'round.json');
    const dear = { ...prices, outputNano: (1n << 64n) - 1n };
    writePricesFile(file, new Map([['toy', dear]]));
    expect(readPricesFile(file)).toEqual(new Map([['toy', dear]]));
});

test('without a file nothing is published', () => {
    expect(readPricesFile(path.join(folder, 'none.json')).size).toBe(0);
});

test.each([
    ['no JSON', '{', /is not JSON/],
    ['another version', '{"version":2,"models":{}}', /version/],
    ['an unknown field', published({ discountNano: '1' }), /discountNano/],
    ['a price as a number', published({ outputNano: 16 }), /outputNano/],
    ['a negative price', published({ outputNano: '-1' }), /outputNano/],
    ['a price above what an offer can say', published({ outputNano: (1n << 64n).toString() }), /more than an offer/],
    ['cached tokens dearer than new ones', published({ cachedInputNano: '5' }), /cached token must not cost more/],
])('%s is refused by name', (_what, text, reason) => {
    expect(() => readPricesFile(fileWith(text))).toThrow(reason);
});

test('prices that no node would take are not written', () => {
    const file = fileWith(published({}));
    const before = readFileSync(file, 'utf8');
    const wrong = new Map([['toy', { ...prices, cachedInputNano: 5n }]]);
    expect(() => writePricesFile(file, wrong)).toThrow(/cached token/);
    expect(readFileSync(file, 'utf8')).toBe(before);
});
