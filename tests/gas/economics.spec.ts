import { economicsTables, tablesInDocument } from './economics';
import { livePairNano, readBaseline } from './gas-table';

describe('docs/economics.md', () => {
    it('says what the gas table says', () => {
        expect(tablesInDocument()).toEqual(economicsTables(readBaseline()));
    });

    it("compares with the live network's figure that the gas table uses", () => {
        expect(tablesInDocument().live).toContain((livePairNano / 1e9).toFixed(4));
    });
});
