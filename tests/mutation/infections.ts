import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What the instrumented contracts said while one test ran. */
export interface TestSignals {
    /** full name as jest's -t matches it; null for what hooks did between tests */
    name: string | null;
    ms: number;
    /** ids of mutants that would have decided otherwise */
    mutants: string[];
}

interface SpecSignals {
    /** digest of the spec, what it imports from the tests, and the contracts */
    madeWith: string;
    tests: TestSignals[];
}

/** A line of the file that infection-environment.cjs writes. */
interface SignalLine {
    test: { name: string; ms: number } | null;
    mutants: number[];
}

/**
 * Which tests each mutant makes a difference for, up to the first decision that it takes otherwise. A mutant without any can't
 * be noticed; one that none of its tests notices is noticed by no other. Kept on disk, spec by spec.
 */
export class Infections {
    private constructor(
        private readonly file: string,
        private readonly specs: Record<string, SpecSignals>,
    ) {}

    static open(file: string, resume: boolean): Infections {
        if (!resume || !existsSync(file)) return new Infections(file, {});
        return new Infections(file, JSON.parse(readFileSync(file, 'utf8')) as Record<string, SpecSignals>);
    }

    isRecorded(spec: string, madeWith: string): boolean {
        return this.specs[spec]?.madeWith === madeWith;
    }

    /** @param ids of all mutants, in the order in which they were numbered */
    record(spec: string, madeWith: string, lines: string, ids: readonly string[]): void {
        this.specs[spec] = { madeWith, tests: parseSignals(lines, ids) };
        mkdirSync(path.dirname(this.file), { recursive: true });
        writeFileSync(this.file, JSON.stringify(this.specs));
    }

    /** Tests that the mutant infects, by spec. */
    testsOf(mutantId: string): Map<string, TestSignals[]> {
        const infected = Object.entries(this.specs).map(
            ([spec, { tests }]) => [spec, tests.filter(({ mutants }) => mutants.includes(mutantId))] as const,
        );
        return new Map(infected.filter(([, tests]) => tests.length > 0));
    }
}

export function parseSignals(lines: string, ids: readonly string[]): TestSignals[] {
    const parsed = lines.split('\n').filter((line) => line !== '');
    return parsed.map((line) => {
        const { test, mutants } = JSON.parse(line) as SignalLine;
        const { name = null, ms = 0 } = test ?? {};
        return { name, ms, mutants: mutants.map((number) => ids[number]!) };
    });
}
