import type { TestSignals } from './infections';

/** What to run of one spec. `names` is what jest's -t takes; null runs all of it. */
export interface Stage {
    files: string[];
    names: string | null;
}

/** More names than this are as dear to look for as the whole file is to run. */
const mostNames = 60;

/** Most mutants are noticed by the first test that they infect, so a few of each spec go first. */
const firstFew = 3;

/** Spec by spec, the quickest tests first: a few of the quickest spec, then all that the mutant infects, then `others`. */
export function stagesFor(
    infected: ReadonlyMap<string, readonly TestSignals[]>,
    others: ReadonlyMap<string, readonly TestSignals[]> = new Map(),
): Stage[] {
    const specs = [...infected].sort(([, a], [, b]) => quickest(a) - quickest(b));
    const [first] = specs;
    const isLong = first !== undefined && first[1].length > firstFew && namesOf(first[1]) !== null;
    const few = isLong ? [stageOf(first[0], bySpeed(first[1]).slice(0, firstFew))] : [];
    return [...few, ...specs, ...others].map((entry) => ('files' in entry ? entry : stageOf(...entry)));
}

function stageOf(spec: string, tests: readonly TestSignals[]): Stage {
    return { files: [spec], names: namesOf(tests) };
}

function quickest(tests: readonly TestSignals[]): number {
    return Math.min(...tests.map(({ ms }) => ms));
}

function bySpeed(tests: readonly TestSignals[]): TestSignals[] {
    return [...tests].sort((a, b) => a.ms - b.ms);
}

function namesOf(tests: readonly TestSignals[]): string | null {
    const names = tests.map(({ name }) => name);
    if (names.length > mostNames || names.includes(null)) return null;
    return names.map((name) => `^${name!.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`).join('|');
}
