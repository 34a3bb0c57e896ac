import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { GasTable } from './gas-table';

/** Tables of docs/economics.md that follow from the gas table, by the name in their marker. */

const document = path.join(__dirname, '../../docs/economics.md');

/** Both prices, nanoTON. */
interface Cost {
    sandboxNano: number;
    mainnetNano: number;
}

/** The settler's rule: what a settlement moves is at least this many times what it costs. */
export const worthwhile = 50;
const keyLivesPerYear = 365 / 3;

export function economicsTables({ operations, reserves }: GasTable): Record<string, string> {
    const cost = (name: string): Cost => operations[name]!;
    const gas = (name: string) => operations[name]!.gas.toLocaleString('en-US').replaceAll(',', ' ');
    const act = (who: string, what: string, name: string) => [who, what, gas(name), ...tons(cost(name))];
    const settling = (lines: number) => settlingCost(lines, cost('settle1Line'), cost('settle10Lines'));
    const epoch = sum(cost('openEscrow'), cost('topUp'), cost('closeEscrow'), cost('withdraw'));
    const keyLife = sum(cost('reattestNode'), cost('admitNode'));
    const prices = ['TON, sandbox', 'TON, mainnet'];
    return {
        acts: table(
            ['who pays', 'for what', 'gas', ...prices],
            [
                act('client', 'open an escrow', 'openEscrow'),
                act('client', 'top it up', 'topUp'),
                act('client', 'change the session key', 'setSession'),
                act('client', 'close', 'closeEscrow'),
                act('client', 'withdraw', 'withdraw'),
                act('settler', 'settle one line', 'settle1Line'),
                act('settler', 'settle ten lines', 'settle10Lines'),
                act('settler', 'settle ten lines of Ethereum keys', 'settle10EthereumLines'),
                act('provider', 'register a node', 'registerNode'),
                act('provider', 'register a node by bond', 'registerByBond'),
                act('provider', 'attest it again', 'reattestNode'),
                act('provider', 'have it admitted to a hub', 'admitNode'),
                act('provider', 'claim', 'claim'),
                act('operator', 'list the hub', 'listHub'),
                act('operator', 'withdraw fees', 'withdrawFees'),
                act('anyone', 'slash a key', 'slash'),
                act('anyone', 'recheck a key', 'recheck'),
                act('anyone', 'prune a node', 'pruneNode'),
            ],
        ),
        settling: table(
            ['lines', ...prices, 'worth it from, sandbox', 'worth it from, mainnet'],
            [1, 10, 50, 100, 1000].map((lines) => {
                return [String(lines), ...tons(settling(lines)), ...tons(times(settling(lines), worthwhile))];
            }),
        ),
        epochs: table(
            ['nodes or escrows', 'client', 'provider', 'operator'],
            [
                ...[1, 10, 100, 1000].map((n) => [
                    String(n),
                    ton(epoch.mainnetNano),
                    ton(times(keyLife, n).mainnetNano + cost('claim').mainnetNano),
                    ton(times(settling(10), n).mainnetNano + cost('withdrawFees').mainnetNano),
                ]),
            ],
        ),
        deposits: table(
            ['share of the deposit that fees take', ...prices],
            [
                ['10 %', ...tons(times(epoch, 10))],
                ['1 %', ...tons(times(epoch, 100))],
                ['0.1 %', ...tons(times(epoch, 1000))],
            ],
        ),
        storage: table(
            ['account', 'reserve for, years', ...prices, 'a year, mainnet'],
            Object.entries(reserves).map(([account, reserve]) => [
                account,
                String(reserve.years),
                ...tons(reserve),
                ton(reserve.mainnetNano / reserve.years),
            ]),
        ),
        provider: table(
            ['a node that is always attested', ...prices],
            [
                ['every three days: attest, admit', ...tons(keyLife)],
                ['a year of it', ...tons(times(keyLife, keyLivesPerYear))],
            ],
        ),
        live: table(
            ['at sandbox prices, TON', 'live network', 'Cocoon'],
            [
                ['charge and pay out, a line of ten', '0.0250', ton(cost('settle10Lines').sandboxNano / 10)],
                ['charge and pay out, a line alone', '0.0250', ton(cost('settle1Line').sandboxNano)],
                ['top up', '0.0120', ton(cost('topUp').sandboxNano)],
            ],
        ),
    };
}

/** Full batches of ten, and what is left as one more; a further line costs what nine cost above the first, over nine. */
function settlingCost(lines: number, one: Cost, ten: Cost): Cost {
    const [batches, rest] = [Math.floor(lines / 10), lines % 10];
    const last = (a: number, b: number) => (rest === 0 ? 0 : a + ((b - a) / 9) * (rest - 1));
    return {
        sandboxNano: batches * ten.sandboxNano + last(one.sandboxNano, ten.sandboxNano),
        mainnetNano: batches * ten.mainnetNano + last(one.mainnetNano, ten.mainnetNano),
    };
}

function sum(...costs: Cost[]): Cost {
    const total = (pick: (cost: Cost) => number) => costs.reduce((all, cost) => all + pick(cost), 0);
    return { sandboxNano: total((cost) => cost.sandboxNano), mainnetNano: total((cost) => cost.mainnetNano) };
}

function times(cost: Cost, factor: number): Cost {
    return { sandboxNano: cost.sandboxNano * factor, mainnetNano: cost.mainnetNano * factor };
}

function tons(cost: Cost): string[] {
    return [ton(cost.sandboxNano), ton(cost.mainnetNano)];
}

function ton(nano: number): string {
    return (nano / 1e9).toFixed(4);
}

/** As the formatter writes it. */
function table(head: string[], rows: string[][]): string {
    const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i]!.length)));
    const line = (cells: string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
    return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** The table between its marker and the next blank line after it. */
const marked = /<!-- gas table: (\w+) -->\n\n([\s\S]*?)\n(?=\n|$)/g;

export function tablesInDocument(): Record<string, string> {
    return Object.fromEntries(
        [...readFileSync(document, 'utf8').matchAll(marked)].map(([, name, text]) => [name, text]),
    );
}

export function writeTables(gasTable: GasTable): void {
    const tables = economicsTables(gasTable);
    const text = readFileSync(document, 'utf8');
    const rewritten = text.replace(marked, (_, name: string) => `<!-- gas table: ${name} -->\n\n${tables[name]}\n`);
    writeFileSync(document, rewritten);
}
