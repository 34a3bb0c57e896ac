import fc from 'fast-check';
import { Dice } from './dice';
import { faultKinds } from './faults';
import { type AimedKind, planStorm } from './storm-plan';

const kinds = faultKinds.map((kind): AimedKind => ({ ...kind, targets: ['one/1', 'two/all', 'three/2'] }));
const plan = (seed: number, lengthMs: number) => planStorm({ dice: new Dice(seed), lengthMs, kinds });
const seeds = fc.nat(0xffff_ffff);

test('the same seed plans the same storm, another seed another', () => {
    fc.assert(
        fc.property(seeds, (seed) => {
            expect(plan(seed, 60_000)).toEqual(plan(seed, 60_000));
            expect(plan(seed, 60_000)).not.toEqual(plan(seed + 1, 60_000));
        }),
    );
});

test('every fault ends before the storm does, and a kind befalls a target once at a time', () => {
    fc.assert(
        fc.property(seeds, fc.integer({ min: 1_000, max: 600_000 }), (seed, lengthMs) => {
            const busyUntilMs = new Map<string, number>();
            for (const { kind, target, atMs, durationMs } of plan(seed, lengthMs)) {
                expect(atMs + durationMs).toBeLessThanOrEqual(lengthMs);
                expect(busyUntilMs.get(`${kind} ${target}`) ?? 0).toBeLessThanOrEqual(atMs);
                busyUntilMs.set(`${kind} ${target}`, atMs + durationMs);
            }
        }),
    );
});

test('in twenty minutes every kind of fault comes, and some come together', () => {
    const faults = plan(1, 20 * 60_000);
    expect(new Set(faults.map(({ kind }) => kind)).size).toBe(kinds.length);
    expect(faults.some(({ atMs }, index) => faults[index + 1]?.atMs === atMs)).toBe(true);
});
