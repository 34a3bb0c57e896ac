import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const lastCase = 28;

/** Numbers of the cases that the specs of this folder describe, as often as they do. */
function describedCases(): number[] {
    const specs = readdirSync(__dirname).filter((file) => file.endsWith('.spec.ts'));
    return specs.flatMap((file) => {
        const text = readFileSync(path.join(__dirname, file), 'utf8');
        return [...text.matchAll(/^describe\(\s*["'`]case (\d+):/gm)].map((match) => Number(match[1]));
    });
}

it('the book has every case that the contracts must survive, once', () => {
    const expected = Array.from({ length: lastCase }, (_, i) => i + 1);
    expect(describedCases().sort((a, b) => a - b)).toEqual(expected);
});
