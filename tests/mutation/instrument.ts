import path from 'node:path';
import type { Mutant } from './mutants';

/** Where the functions below live in the instrumented sources; nothing of that name is in the contracts. */
const signalsFile = 'contracts/shared/infection-signals.tact';

/**
 * Say the number of a mutant on the debug log whenever its condition would decide otherwise than the original. They leave
 * every decision as it is and cost a little gas. DUMP prints a stack entry where the emulator is asked to debug.
 */
const signals = `
asm fun signalUnless(holds: Bool, mutant: Int): Bool { OVER IFNOT:<{ s0 DUMP }> DROP }
asm fun signalIf(holds: Bool, mutant: Int): Bool { OVER IF:<{ s0 DUMP }> DROP }
asm fun signalEqual(a: Int, b: Int, mutant: Int): Int { s2 s1 PUSH2 EQUAL IF:<{ s0 DUMP }> 2DROP }
`;

/** The contracts as they are, but that they say which mutants a run would have made a difference for. */
export function instrument(sources: ReadonlyMap<string, string>, mutants: readonly Mutant[]): Map<string, string> {
    const instrumented = new Map(sources);
    instrumented.set(signalsFile, signals + comparisons());
    for (const [file, source] of sources) {
        const insertions = mutants.flatMap((mutant, number) =>
            mutant.site.file === file ? insertionsOf(mutant, number, source) : [],
        );
        if (insertions.length > 0) instrumented.set(file, importOf(file) + applied(source, insertions));
    }
    return instrumented;
}

const names: Record<string, string> = { '<=': 'atMost', '>=': 'atLeast', '<': 'below', '>': 'above' };

/** Each operand is evaluated once; the two sides of a moved comparison differ where they are equal. */
function comparisons(): string {
    return Object.entries(names)
        .map(
            ([operator, name]) => `
inline fun ${name}(a: Int, b: Int, mutant: Int): Bool {
    return signalEqual(a, b, mutant) ${operator} b;
}
`,
        )
        .join('');
}

function importOf(file: string): string {
    const relative = path.posix.relative(path.posix.dirname(file), signalsFile).replace('.tact', '');
    return `import "${relative.startsWith('.') ? relative : `./${relative}`}";\n`;
}

interface Insertion {
    at: number;
    /** characters of the source that it takes the place of */
    length: number;
    text: string;
    /** of the whole that it encloses: at one place the wider one opens first and closes last */
    span: number;
    closes: boolean;
}

function insertionsOf(
    { site, start, end, replacement, condition }: Mutant,
    number: number,
    source: string,
): Insertion[] {
    const span = condition.end - condition.start;
    const around = (opening: string): Insertion[] => [
        { at: condition.start, length: 0, text: `${opening}(`, span, closes: false },
        { at: condition.end, length: 0, text: `, ${number})`, span, closes: true },
    ];
    if (replacement === 'true' || replacement === 'false') {
        return around(site.kind === 'require' ? 'signalUnless' : 'signalIf');
    }
    const operator = source.slice(start, end);
    return [...around(names[operator]!), { at: start, length: end - start, text: ',', span: 0, closes: false }];
}

function applied(source: string, insertions: readonly Insertion[]): string {
    const numbered = insertions.map((insertion, order) => ({ ...insertion, order }));
    const ordered = numbered.sort(
        (a, b) => a.at - b.at || Number(b.closes) - Number(a.closes) || (a.closes ? -1 : 1) * nesting(a, b),
    );
    let text = '';
    let from = 0;
    for (const insertion of ordered) {
        text += source.slice(from, insertion.at) + insertion.text;
        from = insertion.at + insertion.length;
    }
    return text + source.slice(from);
}

/** Below zero where `a` is the outer one; what came first is where both enclose the same. */
function nesting(a: Insertion & { order: number }, b: Insertion & { order: number }): number {
    return b.span - a.span || a.order - b.order;
}
