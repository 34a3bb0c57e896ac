import { z } from 'zod';
import { gatewayGet, type GatewayGetOptions } from './gateway-get';
import type { CommandResult } from './verify-quote-command';

const priceText = z.string().regex(/^\d{1,20}$/);
const modelsSchema = z.object({
    data: z
        .array(
            z.looseObject({
                id: z.string(),
                pricing: z.looseObject({
                    input: priceText,
                    cached_input: priceText,
                    output: priceText,
                    reasoning: priceText,
                }),
                nodes: z.int().min(0),
                free_slots: z.int().min(0),
            }),
        )
        .max(20_000),
});

const titles = ['model', 'input', 'cached', 'output', 'reasoning', 'nodes', 'free slots'];

/** `cocoon prices`: what the verified nodes behind a gateway ask now, cheapest first. */
export async function runPrices(options: GatewayGetOptions & { json?: boolean }): Promise<CommandResult> {
    const { data } = modelsSchema.parse(await gatewayGet(options, '/v1/models'));
    if (options.json) return { output: JSON.stringify(data), exitCode: 0 };
    const rows = data.map(({ id, pricing, nodes, free_slots: free }) => [
        id.replace(/[^\x20-\x7e]/g, '?'),
        ...[pricing.input, pricing.cached_input, pricing.output, pricing.reasoning],
        ...[String(nodes), String(free)],
    ]);
    return { output: `${table([titles, ...rows])}\nnanoTON for a million tokens, of the cheapest node`, exitCode: 0 };
}

function table(rows: string[][]): string {
    const widths = titles.map((_title, column) => Math.max(...rows.map((row) => row[column]!.length)));
    return rows
        .map((row) =>
            row
                .map((cell, column) => cell.padEnd(widths[column]!))
                .join('  ')
                .trimEnd(),
        )
        .join('\n');
}
