import { z } from 'zod';
import { gatewayGet, type GatewayGetOptions } from './gateway-get';
import { exitCodeOf, judgeShown } from './verify-receipt-command';
import { type CommandResult, dateOf } from './verify-quote-command';

export interface ReceiptsOptions extends GatewayGetOptions {
    from?: string;
    to?: string;
    model?: string;
    key?: string;
    format: 'text' | 'jsonl' | 'csv';
    verify?: boolean;
}

const rowSchema = z.looseObject({
    requestId: z.string(),
    state: z.string(),
    model: z.string(),
    apiKey: z.string().nullable(),
    nodeKey: z.string(),
    reservedAt: z.string(),
    receipt: z
        .looseObject({
            costNano: z.string().regex(/^\d+$/),
            usage: z.looseObject({ promptTokens: z.int(), completionTokens: z.int() }).nullable(),
        })
        .nullable(),
});
type Row = z.output<typeof rowSchema>;
const pageSchema = z.object({ receipts: z.array(rowSchema).max(1_000), next: z.string().nullable() });

/** `cocoon receipts`: what a gateway paid for, newest first. */
export async function runReceipts(options: ReceiptsOptions): Promise<CommandResult> {
    const rows = (await readRows(options)).filter(wantedBy(options));
    if (options.verify) return verified(rows);
    if (options.format === 'jsonl') return done(rows.map((row) => JSON.stringify(row)));
    if (options.format === 'csv') return done([columns.join(','), ...rows.map(csvOf)]);
    return done([...rows.map(textOf), totalsOf(rows)]);
}

function done(lines: string[]): CommandResult {
    return { output: lines.join('\n'), exitCode: 0 };
}

async function readRows(options: ReceiptsOptions): Promise<Row[]> {
    const rows: Row[] = [];
    for (let before = ''; ;) {
        const path = `/cocoon/receipts?limit=1000${before === '' ? '' : `&before=${before}`}`;
        const page = pageSchema.parse(await gatewayGet(options, path));
        rows.push(...page.receipts);
        if (page.next === null) return rows;
        before = page.next;
    }
}

function wantedBy({ from, to, model, key }: ReceiptsOptions): (row: Row) => boolean {
    const [since, until] = [dateOf(from), dateOf(to)];
    return (row) =>
        (since === undefined || Date.parse(row.reservedAt) >= since.getTime()) &&
        (until === undefined || Date.parse(row.reservedAt) < until.getTime()) &&
        (model === undefined || row.model === model) &&
        (key === undefined || row.apiKey === key);
}

/** Only final ones are judged: of the others there is nothing to verify yet. */
function verified(rows: Row[]): CommandResult {
    const verdicts = rows.filter(({ receipt }) => receipt !== null).map((row) => judgeShown(row));
    return { output: verdicts.map((verdict) => JSON.stringify(verdict)).join('\n'), exitCode: exitCodeOf(verdicts) };
}

const columns = [
    'requestId',
    'reservedAt',
    'state',
    'model',
    'apiKey',
    'nodeKey',
    'promptTokens',
    'completionTokens',
    'costNano',
];

function csvOf(row: Row): string {
    const { receipt } = row;
    const { promptTokens = '', completionTokens = '' } = receipt?.usage ?? {};
    const head = [row.requestId, row.reservedAt, row.state, row.model, row.apiKey ?? '', row.nodeKey];
    return [...head, promptTokens, completionTokens, receipt?.costNano ?? ''].map(csvField).join(',');
}

/** A model's name is a stranger's text: quoted, and never the beginning of a spreadsheet's formula. */
function csvField(value: string | number): string {
    const text = String(value);
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function textOf({ requestId, reservedAt, state, model, receipt }: Row): string {
    return `${reservedAt}  ${requestId}  ${state.padEnd(8)}  ${receipt?.costNano ?? '-'} nanoTON  ${model}`;
}

function totalsOf(rows: readonly Row[]): string {
    const final = rows.filter(({ receipt }) => receipt !== null);
    const costNano = final.reduce((sum, { receipt }) => sum + BigInt(receipt!.costNano), 0n);
    return `${rows.length} requests, ${final.length} with a receipt, ${costNano} nanoTON`;
}
