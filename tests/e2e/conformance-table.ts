import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type Verdict = 'works' | 'engine-dependent' | 'refused';

interface Row {
    endpoint: string;
    field: string;
    verdict: Verdict;
    shownBy: string;
}

const file = path.resolve(__dirname, '../../docs/openai.md');
const begin = '<!-- conformance: npm run conformance -- --update -->';
const end = '<!-- /conformance -->';
/** Set by `npm run conformance -- --update`. */
const updates = process.env['COCOON_UPDATE_CONFORMANCE'] === '1';

/** What the tests of one file have shown; a row stands in it only once its test has passed. */
export class ConformanceTable {
    private readonly rows: Row[] = [];
    private expected = 0;

    /** A test of one field, or a few that share their fate; passing it is what fills its row. */
    shows(verdict: Verdict, endpoint: string, fields: string, name: string, act: () => Promise<unknown>): void {
        const row = { endpoint, field: fields, verdict, shownBy: name };
        this.expected += 1;
        test(`${endpoint}, ${fields}: ${name}`, async () => {
            await act();
            this.rows.push(row);
        });
    }

    /** The committed table is the one that these tests give; stands last in its file. */
    isCommitted(): void {
        test('docs/openai.md holds the table that these tests give', () => {
            // Of a run of chosen tests nothing can be said.
            expect(this.rows).toHaveLength(this.expected);
            const text = readFileSync(file, 'utf8');
            const [before, after] = [text.split(begin)[0]!, text.split(end)[1]!];
            const generated = `${before}${begin}\n\n${this.print()}\n\n${end}${after}`;
            if (updates) writeFileSync(file, generated);
            else expect(generated).toBe(text);
        });
    }

    private print(): string {
        const head = ['Endpoint', 'Field', 'Verdict', 'Shown by'];
        const cells = this.rows.map(({ endpoint, field, verdict, shownBy }) => [
            `\`${endpoint}\``,
            field,
            verdict,
            shownBy,
        ]);
        const widths = head.map((name, column) =>
            Math.max(...[head, ...cells].map((row) => row[column]!.length), name.length),
        );
        const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
        return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
    }
}
