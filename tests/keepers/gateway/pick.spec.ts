import fc from 'fast-check';
import { ModelOffers } from '../../../keepers/gateway/model-offers';
import { loadScore, pickNode } from '../../../keepers/gateway/pick';
import { TrafficShare } from '../../../keepers/gateway/traffic-share';
import type { TrustedNode } from '../../../keepers/gateway/trusted-node';
import { naiveShares } from './naive-shares';
import { seededRandom } from './seeded-random';

interface Sketch {
    capacity: number;
    platform: number;
    price: number;
    load?: Partial<TrustedNode['load']>;
}

const sketch: fc.Arbitrary<Sketch> = fc.record({
    capacity: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 500 })),
    platform: fc.nat(7),
    price: fc.nat(5),
    load: fc.record({
        inFlight: fc.nat(200),
        queued: fc.nat(200),
        failureShare: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
});
const sketches = fc.array(sketch, { minLength: 1, maxLength: 14 });
const seeds = fc.nat();
const anyone = () => true;

function nodeOf(id: string, { capacity, platform, load }: Sketch): TrustedNode {
    const full = { inFlight: 0, queued: 0, maxConcurrency: capacity, firstFrameMsP50: null, failureShare: 0, ...load };
    const verdict = { platformId: `platform ${platform}` };
    return { id, load: full, offer: { maxConcurrency: capacity }, verdict } as unknown as TrustedNode;
}

const pricedOf = (all: readonly Sketch[]) =>
    all.map((one, index) => ({ node: nodeOf(`node ${index}`, one), outputNano: BigInt(one.price) }));
const offersOf = (all: readonly Sketch[]) => new ModelOffers(pricedOf(all));

/** Every node's share of draws at evenly spread random numbers: exact up to the spacing. */
function drawnShares(offers: ModelOffers, reach: number): Map<string, number> {
    const [steps, within] = [2_000, 40];
    const drawn = new Map<string, number>();
    for (let step = 0; step < steps; step++) {
        for (let inner = 0; inner < within; inner++) {
            const values = [(step + 0.5) / steps, (inner + 0.5) / within];
            const { id } = offers.draw(reach, anyone, () => values.shift()!)!;
            drawn.set(id, (drawn.get(id) ?? 0) + 1 / (steps * within));
        }
    }
    return drawn;
}

test('the index draws as the rule says when it is computed anew from all nodes, under any price ceiling', () => {
    fc.assert(
        fc.property(sketches, fc.nat(6), (all, ceiling) => {
            const priced = pricedOf(all);
            const offers = new ModelOffers(priced);
            const reach = offers.within(BigInt(ceiling));
            const allowed = priced.filter(({ outputNano }) => outputNano <= BigInt(ceiling)).map(({ node }) => node);
            expect(reach).toBe(allowed.length);
            if (reach === 0) return;
            const drawn = drawnShares(offers, reach);
            for (const [id, share] of naiveShares(allowed))
                // The spacing of the inner numbers is coarser, and a platform's share bounds what it can misplace.
                expect(Math.abs((drawn.get(id) ?? 0) - share)).toBeLessThan(0.04);
            const shareOf = (ids: readonly string[]) => ids.reduce((sum, id) => sum + (drawn.get(id) ?? 0), 0);
            const naive = naiveShares(allowed);
            for (const platform of new Set(allowed.map(({ verdict }) => verdict.platformId))) {
                const ids = allowed.filter(({ verdict }) => verdict.platformId === platform).map(({ id }) => id);
                const expected = ids.reduce((sum, id) => sum + naive.get(id)!, 0);
                expect(Math.abs(shareOf(ids) - expected)).toBeLessThan(0.0011);
            }
        }),
        { numRuns: 15 },
    );
});

test('a node that may not be used is never picked, and none is picked when none may', () => {
    fc.assert(
        fc.property(sketches, seeds, fc.nat(2 ** 14 - 1), (all, seed, mask) => {
            const isUsable = ({ id }: TrustedNode) => (mask & (1 << Number(id.split(' ')[1]))) === 0;
            const offers = offersOf(all);
            const picked = pickNode(offers, { reach: offers.count, isUsable, random: seededRandom(seed) });
            const left = pricedOf(all).some(({ node }) => isUsable(node));
            expect(picked === undefined ? !left : isUsable(picked)).toBe(true);
        }),
    );
});

test('no platform that claims a lot draws more than a quarter while there are four, nor more than its ceiling', () => {
    const all = [60_000, 1, 1, 1, 1].map((capacity, platform) => ({ capacity, platform, price: 0 }));
    const shares = drawnShares(offersOf(all), 5);
    expect(shares.get('node 0')).toBeCloseTo(0.25, 2);
    const two = drawnShares(offersOf([all[0]!, { capacity: 64, platform: 1, price: 0 }]), 2);
    expect(two.get('node 0')).toBeCloseTo(0.5, 2);
});

test('many nodes on one machine count as that machine', () => {
    const crowd = Array.from({ length: 50 }, () => ({ capacity: 64, platform: 0, price: 0 }));
    const others = [1, 2, 3, 4].map((platform) => ({ capacity: 64, platform, price: 0 }));
    const shares = drawnShares(offersOf([...crowd, ...others]), 54);
    for (const number of [50, 51, 52, 53]) expect(shares.get(`node ${number}`)).toBeCloseTo(0.2, 2);
});

test('of the two drawn, the less loaded is picked', () => {
    fc.assert(
        fc.property(sketches, seeds, (all, seed) => {
            const offers = offersOf(all);
            const reach = offers.count;
            const random = seededRandom(seed);
            const drawn = [offers.draw(reach, anyone, random)!, offers.draw(reach, anyone, random)!];
            const picked = pickNode(offers, { reach, isUsable: anyone, random: seededRandom(seed) })!;
            expect(loadScore(picked)).toBe(Math.min(...drawn.map(loadScore)));
        }),
    );
});

test('the node of the conversation is kept while it is not much busier', () => {
    fc.assert(
        fc.property(sketches, seeds, fc.nat(13), (all, seed, index) => {
            const offers = offersOf(all);
            const sticky = pricedOf(all)[index % all.length]!.node;
            const options = { reach: offers.count, isUsable: anyone };
            const free = pickNode(offers, { ...options, random: seededRandom(seed) })!;
            const picked = pickNode(offers, { ...options, sticky: sticky.id, random: seededRandom(seed) })!;
            const isPatient = loadScore(sticky) <= 1.5 * (loadScore(free) + 0.5);
            expect(picked.id).toBe(isPatient ? sticky.id : free.id);
        }),
    );
});

test('a platform that always looks idle still gets no more than about a quarter of what is picked', () => {
    const busy = { inFlight: 3 };
    const all = Array.from({ length: 12 }, (_unused, platform) => ({
        capacity: 8,
        platform,
        price: 0,
        load: platform === 0 ? {} : busy,
    }));
    all.push({ capacity: 60_000, platform: 0, price: 0, load: {} });
    const offers = offersOf(all);
    const traffic = new TrafficShare();
    const random = seededRandom(7);
    let taken = 0;
    for (let picks = 0; picks < 4_000; picks++) {
        const picked = pickNode(offers, { reach: offers.count, isUsable: anyone, traffic, random })!;
        if (picked.verdict.platformId === 'platform 0') taken += 1;
    }
    expect(taken / 4_000).toBeLessThan(0.27);
    expect(taken / 4_000).toBeGreaterThan(0.2);
});

test('at the same load picks follow the weights: chi-squared over 20 000 seeded picks', () => {
    const all = [1, 2, 4, 8, 16, 32, 64, 64].map((capacity, platform) => ({ capacity, platform, price: platform }));
    const offers = offersOf(all);
    const random = seededRandom(11);
    const counts = new Map<string, number>();
    const picks = 20_000;
    for (let pick = 0; pick < picks; pick++) {
        const { id } = pickNode(offers, { reach: offers.count, isUsable: anyone, random })!;
        counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    let chiSquared = 0;
    for (const [id, share] of naiveShares(pricedOf(all).map(({ node }) => node)))
        chiSquared += ((counts.get(id) ?? 0) - share * picks) ** 2 / (share * picks);
    // 7 degrees of freedom: one in a thousand is above 24.3.
    expect(chiSquared).toBeLessThan(24.3);
});

describe('a node is worse', () => {
    const scoreOf = (load: Partial<TrustedNode['load']>) =>
        loadScore(nodeOf('one', { capacity: 4, platform: 0, price: 0, load }));

    test('by failures more than by a full queue', () => {
        expect(scoreOf({ failureShare: 1 })).toBeGreaterThan(scoreOf({ inFlight: 4 }));
    });

    test('the longer its first frame takes', () => {
        expect(scoreOf({ firstFrameMsP50: 4_000 })).toBeGreaterThan(scoreOf({ firstFrameMsP50: 400 }));
        expect(scoreOf({ firstFrameMsP50: 400 })).toBeGreaterThan(scoreOf({}));
    });
});
