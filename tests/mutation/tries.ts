import type { TestSignals } from './infections';

/** Tests of one spec that a mutant is to meet; null: all of them. */
export interface Try {
    spec: string;
    names: string[] | null;
}

/** Most mutants are noticed by the first test that they infect. */
const firstFew = 12;

/** The quickest spec first; of that, a few of the quickest tests before all. */
export function triesOf(infected: ReadonlyMap<string, readonly TestSignals[]>): Try[] {
    const specs = [...infected].sort(([, a], [, b]) => quickest(a) - quickest(b));
    const whole = specs.map(([spec, tests]) => ({ spec, names: namesOf(tests) }));
    const [first] = whole;
    if (first?.names == null || first.names.length <= firstFew) return whole;
    return [{ spec: first.spec, names: first.names.slice(0, firstFew) }, ...whole];
}

function quickest(tests: readonly TestSignals[]): number {
    return Math.min(...tests.map(({ ms }) => ms));
}

/** What hooks decide may matter to any test. */
function namesOf(tests: readonly TestSignals[]): string[] | null {
    const names = [...tests].sort((a, b) => a.ms - b.ms).map(({ name }) => name);
    return names.includes(null) ? null : (names as string[]);
}
