import path from 'node:path';
import type { Mutant } from './mutants';

/** Where the functions below live in the instrumented sources; nothing of that name is in the contracts. */
const decisionsFile = 'contracts/shared/mutant-decisions.tact';

/** Stands in the code for the number of the mutant in force; mutant-switch.cjs puts another number in its place. */
export const mutantMarker = 0x4d555441;

const inForce = `${mutantMarker} PUSHINT EQUAL`;
const decisions = {
    // A require that lets everything pass, a guard that keeps nothing out.
    passes: 'asm fun passes(holds: Bool, mutant: Int): Bool { OVER IFNOT:<{ s0 DUMP }> %s OR }',
    keepsOut: 'asm fun keepsOut(holds: Bool, mutant: Int): Bool { OVER IF:<{ s0 DUMP }> %s NOT AND }',
};

/** The two sides of a moved comparison differ where they are equal. */
const comparisons: Record<string, [name: string, opcode: string]> = {
    '<=': ['atMost', 'LEQ'],
    '>=': ['atLeast', 'GEQ'],
    '<': ['below', 'LESS'],
    '>': ['above', 'GREATER'],
};

/**
 * Decide as the original, but for the mutant in force, which decides otherwise; and say the number of a mutant on the debug log
 * whenever it would. Operands are evaluated once and in any case. DUMP prints a stack entry where the emulator is asked to debug.
 */
function decidingFunctions(): string {
    const compared = Object.values(comparisons).map(
        ([name, opcode]) =>
            `asm fun ${name}(a: Int, b: Int, mutant: Int): Bool { s2 s1 PUSH2 EQUAL IF:<{ s0 DUMP }> ${inForce} s2 s1 PUSH2 EQUAL AND -ROT ${opcode} XOR }`,
    );
    return [...Object.values(decisions).map((text) => text.replace('%s', inForce)), ...compared, ''].join('\n');
}

/** The contracts with all mutants in them, none of which is in force. */
export function instrument(sources: ReadonlyMap<string, string>, mutants: readonly Mutant[]): Map<string, string> {
    const instrumented = new Map(sources);
    instrumented.set(decisionsFile, decidingFunctions());
    for (const [file, source] of sources) {
        const insertions = mutants.flatMap((mutant, number) =>
            mutant.site.file === file ? insertionsOf(mutant, number, source) : [],
        );
        if (insertions.length > 0) instrumented.set(file, importOf(file) + applied(source, insertions));
    }
    return instrumented;
}

function importOf(file: string): string {
    const relative = path.posix.relative(path.posix.dirname(file), decisionsFile).replace('.tact', '');
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
        return around(site.kind === 'require' ? 'passes' : 'keepsOut');
    }
    const operator = source.slice(start, end);
    return [
        ...around(comparisons[operator]![0]),
        { at: start, length: end - start, text: ',', span: 0, closes: false },
    ];
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
