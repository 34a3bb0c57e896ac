import type { Mutant, Site } from './mutants';
import type { Records } from './records';

/** Why nothing can notice this change; by the mutant's id. */
export interface Justification {
    mutant: string;
    reason: string;
}

export interface Summary {
    ok: boolean;
    /** conditions of `require` */
    requires: number;
    /** other conditions that keep something out */
    guards: number;
    mutants: number;
    /** of requires and guards: every mutant made a test fail */
    killed: number;
    /** some mutant survives, with a written reason */
    justified: number;
    survived: number;
    /** ids of mutants that survive without a reason, or were not tried */
    survivors: string[];
    /** justifications that nothing needs any more */
    needless: string[];
}

export function summarize(
    mutants: readonly Mutant[],
    records: Records,
    justifications: readonly Justification[],
    isWhole: boolean,
): Summary {
    const reasons = new Set(justifications.map(({ mutant }) => mutant));
    const open = mutants.filter(({ id }) => records.get(id)?.fate !== 'killed');
    const survivors = open.filter(({ id }) => !reasons.has(id));
    const sites = unique(mutants);
    const surviving = new Set(unique(survivors).map(({ id }) => id));
    const justified = unique(open).filter(({ id }) => !surviving.has(id));
    const openIds = new Set(open.map(({ id }) => id));
    const needless = isWhole ? [...reasons].filter((id) => !openIds.has(id)) : [];
    return {
        ok: survivors.length === 0 && needless.length === 0,
        requires: sites.filter(({ kind }) => kind === 'require').length,
        guards: sites.filter(({ kind }) => kind === 'guard').length,
        mutants: mutants.length,
        killed: sites.length - justified.length - surviving.size,
        justified: justified.length,
        survived: surviving.size,
        survivors: survivors.map(({ id }) => id),
        needless,
    };
}

function unique(mutants: readonly Mutant[]): Site[] {
    return [...new Map(mutants.map(({ site }) => [site.id, site])).values()];
}
