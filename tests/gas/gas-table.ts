import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FeePrices, withFees } from '../support/fee-config';
import { largestBatches, operations } from './operations';
import { Scenario } from './scenarios/scenario';
import { measureReserves, StorageReserve } from './storage-reserves';
import { costOf, TraceCost } from './trace-cost';

/** What one operation costs; nanoTON include forward fees. */
export interface GasRow {
    gas: number;
    sandboxNano: number;
    mainnetNano: number;
}

export interface GasTable {
    operations: Record<string, GasRow>;
    /** gas of the costliest single transaction of the largest allowed batch */
    heaviestTransaction: number;
    /** what a line of ten costs at sandbox prices, over what the live network's pair of charge and payout costs there */
    pairCostVsLive: number;
    reserves: Record<string, StorageReserve>;
}

/** Charge and payout of the live network at sandbox prices. */
export const livePairNano = 25_000_000;

const baselineFile = path.join(__dirname, 'baseline.json');

export function readBaseline(): GasTable {
    return JSON.parse(readFileSync(baselineFile, 'utf8')) as GasTable;
}

export function writeBaseline(table: GasTable): void {
    writeFileSync(baselineFile, `${JSON.stringify(table, null, 4)}\n`);
}

const actCostsFile = path.join(__dirname, '../../keepers/cli/provider/act-costs.json');

/** What a provider's own commands reckon with: the rows of the table that its file names. */
export function writeActCosts({ operations }: GasTable): void {
    const named = Object.keys(JSON.parse(readFileSync(actCostsFile, 'utf8')) as object);
    const costs = named.map((name) => {
        const { sandboxNano, mainnetNano } = operations[name]!;
        return [name, { sandboxNano, mainnetNano }];
    });
    writeFileSync(actCostsFile, `${JSON.stringify(Object.fromEntries(costs), null, 4)}\n`);
}

interface MeasuredRow {
    row: GasRow;
    heaviestGas: number;
}

const measured = new Map<string, Promise<MeasuredRow>>();

/** The row of an operation, run once under each of the prices that the table shows, and its costliest transaction. */
export function measureRow(name: string): Promise<MeasuredRow> {
    const known = measured.get(name) ?? measureAfresh(name);
    measured.set(name, known);
    return known;
}

async function measureAfresh(name: string): Promise<MeasuredRow> {
    const scenario = operations[name]!;
    const [sandbox, mainnet] = [await measure('sandbox', scenario), await measure('mainnet', scenario)];
    if (sandbox.gas !== mainnet.gas) throw new Error(`${name}: gas depends on the prices`);
    const row = { gas: sandbox.gas, sandboxNano: Number(sandbox.feeNano), mainnetNano: Number(mainnet.feeNano) };
    return { row, heaviestGas: sandbox.heaviestGas };
}

export async function measureTable(): Promise<GasTable> {
    const rows: Record<string, GasRow> = {};
    let heaviestTransaction = 0;
    for (const name of Object.keys(operations)) {
        const { row, heaviestGas } = await measureRow(name);
        rows[name] = row;
        if (largestBatches.includes(name)) heaviestTransaction = Math.max(heaviestTransaction, heaviestGas);
    }
    return {
        operations: rows,
        heaviestTransaction,
        pairCostVsLive: pairCostVsLive(rows.settle10Lines!),
        reserves: await measureReserves(),
    };
}

export function pairCostVsLive(settle10Lines: GasRow): number {
    return Number((settle10Lines.sandboxNano / 10 / livePairNano).toFixed(4));
}

async function measure(prices: FeePrices, scenario: Scenario): Promise<TraceCost> {
    return withFees(prices, async () => {
        const { blockchain, result } = await scenario();
        return costOf(blockchain, result);
    });
}
