/**
 * `npm run gas -- [--json] [--update]`: runs every operation on the real contracts and prints what it costs, beside what the
 * committed table says. `--update` rewrites the table and those of docs/economics.md; without it, exit code 1 tells that something changed.
 */
import { createRequire } from 'node:module';
import type { GasTable } from './gas-table';

const { buildContracts } = createRequire(__filename)('../../contracts/build.cjs') as {
    buildContracts: () => Promise<boolean>;
};

async function main(flags: string[]): Promise<number> {
    const unknown = flags.filter((flag) => flag !== '--json' && flag !== '--update');
    if (unknown.length > 0) {
        process.stderr.write(`unknown: ${unknown.join(' ')}\n`);
        return 2;
    }
    await buildContracts();
    // Loads the contracts' code, so only now.
    const { measureTable, readBaseline, writeActCosts, writeBaseline } = await import('./gas-table.js');
    const { writeTables } = await import('./economics.js');
    const measured = await measureTable();
    process.stdout.write(flags.includes('--json') ? `${JSON.stringify(flat(measured))}\n` : print(measured));
    if (flags.includes('--update')) {
        writeBaseline(measured);
        writeActCosts(measured);
        writeTables(measured);
        return 0;
    }
    const isSame = JSON.stringify(measured) === JSON.stringify(readBaseline());
    if (!isSame) process.stderr.write('differs from tests/gas/baseline.json: npm run gas -- --update\n');
    return isSame ? 0 : 1;
}

/** Gas by operation at the top, for scripts. */
function flat({ operations, ...others }: GasTable): object {
    const gas = Object.fromEntries(Object.entries(operations).map(([name, row]) => [name, row.gas]));
    return { ...gas, ...others, operations };
}

function print({ operations, heaviestTransaction, pairCostVsLive }: GasTable): string {
    const head = ['operation', 'gas', 'TON, sandbox', 'TON, mainnet'];
    const rows = Object.entries(operations).map(([name, row]) => [
        name,
        String(row.gas),
        ton(row.sandboxNano),
        ton(row.mainnetNano),
    ]);
    const lines = [head, ...rows].map(
        ([name, ...figures]) => name!.padEnd(24) + figures.map((figure) => figure.padStart(14)).join(''),
    );
    const summary = `costliest transaction of the largest batch: ${heaviestTransaction} gas\npair cost over the live network's: ${pairCostVsLive}`;
    return `${lines.join('\n')}\n\n${summary}\n`;
}

function ton(nano: number): string {
    return (nano / 1e9).toFixed(6);
}

void main(process.argv.slice(2)).then(
    (code) => {
        process.exitCode = code;
    },
    (error: Error) => {
        process.stderr.write(`${error.stack ?? error.message}\n`);
        process.exitCode = 1;
    },
);
