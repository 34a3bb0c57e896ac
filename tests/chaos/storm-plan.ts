import type { Dice } from './dice';
import type { FaultKind, PlannedFault } from './faults';

/** A kind with what it may befall in one network. */
export type AimedKind = Omit<FaultKind, 'targets'> & { targets: readonly string[] };

/** Milliseconds between the beginnings of two faults, least and most. */
const gapMs = [200, 3_500] as const;
/** Faults that begin together: what one of them alone does not break. */
const togetherShare = 0.2;

/**
 * Every fault of a storm, in order of time. It follows from the seed, the length and the kinds alone, so that a storm that
 * broke something can be had again.
 */
export function planStorm(options: { dice: Dice; lengthMs: number; kinds: readonly AimedKind[] }): PlannedFault[] {
    const { dice, lengthMs, kinds } = options;
    const plan: PlannedFault[] = [];
    if (kinds.length === 0) return plan;
    const freeAtMs = new Map<string, number>();
    for (let atMs = 0; atMs < lengthMs;) {
        const kind = dice.weighted(kinds);
        const target = dice.pick(kind.targets);
        const durationMs = Math.min(dice.between(...kind.lastsMs), lengthMs - atMs);
        const fault = { kind: kind.name, target, atMs, durationMs, detail: kind.draw?.(dice) ?? {} };
        const place = `${kind.name} ${target}`;
        if ((freeAtMs.get(place) ?? 0) <= atMs) {
            plan.push(fault);
            freeAtMs.set(place, atMs + durationMs);
        }
        if (!dice.chance(togetherShare)) atMs += dice.between(...gapMs);
    }
    return plan;
}
