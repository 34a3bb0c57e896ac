import { actCostNano, attestationCostNano, settlingCostNano } from '../../../../keepers/cli/provider/economics';
import actCosts from '../../../../keepers/cli/provider/act-costs.json';
import { estimateDay } from '../../../../keepers/cli/provider/estimate';
import { tablesInDocument } from '../../../gas/economics';
import { readBaseline } from '../../../gas/gas-table';

const terms = {
    model: 'toy',
    prices: { inputNano: 400_000_000n, cachedInputNano: 0n, outputNano: 1_600_000_000n, reasoningNano: 0n },
    tokensPerSecond: 100,
    utilisation: 0.5,
    inputRatio: 2,
    feeBps: 500,
    keyLifeSec: 86_400,
    snp: false,
    fees: 'sandbox',
} as const;

const ton = (nano: bigint) => (Number(nano) / 1e9).toFixed(4);
const row = (table: string, name: string) =>
    tablesInDocument()
        [table]!.split('\n')
        .find((line) => line.startsWith(`| ${name} `))!
        .split('|')
        .map((cell) => cell.trim());

describe('what acts cost', () => {
    test('is what the gas table says: npm run gas -- --update writes both', () => {
        const { operations } = readBaseline();
        for (const [act, { sandboxNano, mainnetNano }] of Object.entries(actCosts))
            expect([act, operations[act]]).toMatchObject([act, { sandboxNano, mainnetNano }]);
    });

    test.each([1, 10, 50, 100, 1000])('settling %i lines costs what docs/economics.md says', (lines) => {
        const [, , sandbox, mainnet] = row('settling', String(lines));
        expect(ton(settlingCostNano(lines, 'sandbox'))).toBe(sandbox);
        expect(ton(settlingCostNano(lines, 'mainnet-2026'))).toBe(mainnet);
    });

    test('staying attested every three days for a year costs what docs/economics.md says', () => {
        const [, , sandbox, mainnet] = row('provider', 'a year of it');
        // Attested when half of the key's life is over.
        const year = { keyLifeSec: 6 * 86_400, snp: false, days: 365n };
        expect(ton(attestationCostNano({ ...year, prices: 'sandbox' }))).toBe(sandbox);
        expect(ton(attestationCostNano({ ...year, prices: 'mainnet-2026' }))).toBe(mainnet);
    });
});

describe('the estimate of a day', () => {
    test('is tokens at the offer’s prices, less the hub’s fee and the chain’s', () => {
        const day = estimateDay(terms);
        expect(day.outputTokens).toBe(4_320_000n);
        expect(day.inputTokens).toBe(8_640_000n);
        expect(day.grossNano).toBe(6_912_000_000n + 3_456_000_000n);
        expect(day.hubFeeNano).toBe(518_400_000n);
        expect(day.netNano).toBe(day.grossNano - day.hubFeeNano - day.chainNano);
    });

    test('of an idle node is a loss, of what staying attested costs', () => {
        const { grossNano, netNano, chainNano } = estimateDay({ ...terms, utilisation: 0 });
        expect(grossNano).toBe(0n);
        expect(netNano).toBe(-chainNano);
        const twice = actCostNano('reattestNode', 'sandbox') + actCostNano('admitNode', 'sandbox');
        expect(chainNano).toBe((14n * twice + actCostNano('claim', 'sandbox')) / 7n);
    });

    test('breaks even where it says', () => {
        const { breakEvenNano, chainNano } = estimateDay(terms);
        const netAt = (grossNano: bigint) => grossNano - (grossNano * 500n) / 10_000n - chainNano;
        expect(netAt(breakEvenNano + 2n)).toBeGreaterThanOrEqual(0n);
        expect(netAt(breakEvenNano - 2n)).toBeLessThan(0n);
    });
});
