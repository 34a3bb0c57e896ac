import fc from 'fast-check';
import { loadScore, pickNode } from '../../../keepers/gateway/pick';
import type { TrustedNode } from '../../../keepers/gateway/trusted-node';

const load = fc.record({
    inFlight: fc.nat(200),
    queued: fc.nat(200),
    maxConcurrency: fc.integer({ min: 1, max: 500 }),
    failureShare: fc.double({ min: 0, max: 1, noNaN: true }),
});
const nodes = fc
    .array(load, { minLength: 1, maxLength: 8 })
    .map((loads) => loads.map((one, index) => nodeOf(`node ${index}`, one)));

function nodeOf(id: string, one: Partial<TrustedNode['load']>): TrustedNode {
    const full = { inFlight: 0, queued: 0, maxConcurrency: 4, firstFrameMsP50: null, failureShare: 0, ...one };
    return { id, load: full, offer: { maxConcurrency: full.maxConcurrency } } as unknown as TrustedNode;
}

const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 2, maxLength: 2 });
const drawing = (values: number[]) => {
    const left = [...values];
    return () => left.shift() ?? 0;
};

test('a node that was tried is never picked again, and none is left when all were', () => {
    fc.assert(
        fc.property(nodes, draws, fc.nat(255), (all, values, mask) => {
            const exclude = new Set(all.filter((_node, index) => mask & (1 << index)).map(({ id }) => id));
            const picked = pickNode(all, { exclude, random: drawing(values) });
            if (picked === undefined) return exclude.size === all.length;
            return !exclude.has(picked.id);
        }),
    );
});

test('of the two drawn, the less loaded is picked', () => {
    fc.assert(
        fc.property(nodes, draws, (all, values) => {
            const one = pickNode(all, { exclude: new Set(), random: () => values[0]! })!;
            const other = pickNode(all, { exclude: new Set(), random: () => values[1]! })!;
            const picked = pickNode(all, { exclude: new Set(), random: drawing(values) })!;
            return loadScore(picked) === Math.min(loadScore(one), loadScore(other));
        }),
    );
});

test('the node of the conversation is kept while it is not much busier', () => {
    fc.assert(
        fc.property(nodes, draws, fc.nat(7), (all, values, index) => {
            const sticky = all[index % all.length]!;
            const free = pickNode(all, { exclude: new Set(), random: drawing(values) })!;
            const picked = pickNode(all, { exclude: new Set(), sticky: sticky.id, random: drawing(values) })!;
            const patient = loadScore(sticky) <= 1.5 * (loadScore(free) + 0.5);
            return picked.id === (patient ? sticky.id : free.id);
        }),
    );
});

test('capacity draws requests, but no claim draws more than its ceiling', () => {
    const all = [nodeOf('small', { maxConcurrency: 64 }), nodeOf('boaster', { maxConcurrency: 60_000 })];
    const drawn = Array.from({ length: 100 }, (_unused, index) =>
        pickNode(all, { exclude: new Set(), random: () => index / 100 }),
    );
    expect(drawn.filter((node) => node!.id === 'boaster')).toHaveLength(50);
});

test('failures make a node worse than a full queue does', () => {
    expect(loadScore(nodeOf('failing', { failureShare: 1 }))).toBeGreaterThan(
        loadScore(nodeOf('full', { inFlight: 4 })),
    );
});

test('nobody to pick from gives nobody', () => {
    expect(pickNode([], { exclude: new Set() })).toBeUndefined();
});
