import fc from 'fast-check';
import { decideSettlements, type SettlementCandidate, type SettlementPolicy } from '../../../keepers/settlement';

const costs = { batchNano: 100n, lineNano: 10n };
const policy: SettlementPolicy = { nowSec: 1_000, minValueToCostRatio: 50n, urgentWithinSec: 60, force: false };

function candidate(overrides: Partial<SettlementCandidate> = {}): SettlementCandidate {
    return {
        escrow: 'aa',
        epoch: 1,
        nodeKey: '01',
        owedNano: 5_500n,
        balanceNano: 0n,
        deadlineSec: null,
        ...overrides,
    };
}

const anyCandidates = fc
    .array(
        fc.record({
            escrow: fc.constantFrom('aa', 'bb', 'cc'),
            epoch: fc.integer({ min: 1, max: 2 }),
            node: fc.nat(30),
            owedNano: fc.bigInt(-5n, 20_000n),
            balanceNano: fc.bigInt(0n, 100_000n),
            deadlineSec: fc.option(fc.integer({ min: 900, max: 1_200 })),
        }),
        { maxLength: 60 },
    )
    .map((list) => list.map(({ node, ...rest }) => ({ ...rest, nodeKey: node.toString(16).padStart(2, '0') })))
    .map((list) => [...new Map(list.map((one) => [`${one.escrow}/${one.epoch}/${one.nodeKey}`, one])).values()]);

const isExpired = ({ deadlineSec }: SettlementCandidate) => deadlineSec !== null && deadlineSec < policy.nowSec;
const costOf = (lines: number) => costs.batchNano + costs.lineNano * BigInt(lines);

describe('decideSettlements', () => {
    it.each([
        ['pays all lines of all batches', 11n * 5_500n, true],
        ['is a nanoTON short for one', 11n * 5_500n - 1n, false],
    ])('says whether the order decides who is paid: the balance %s', (_name, balanceNano, balanceCovers) => {
        const lines = Array.from({ length: 11 }, (_, i) => candidate({ nodeKey: `${i + 10}`, balanceNano }));
        const batches = decideSettlements(lines, costs, policy);
        expect(batches.map((batch) => [batch.lines.length, batch.balanceCovers])).toEqual([
            [10, balanceCovers],
            [1, balanceCovers],
        ]);
    });

    it.each([
        ['exactly fifty times the cost', 5_500n, 1],
        ['one nanoTON less', 5_499n, 0],
    ])('at %s', (_name, owedNano, batches) => {
        expect(decideSettlements([candidate({ owedNano })], costs, policy)).toHaveLength(batches);
    });

    it.each([
        ['inside the margin', 1_060, 111n, 1],
        ['just outside it', 1_061, 111n, 0],
        ['inside it, but for no more than the cost', 1_060, 110n, 0],
        ['too late', 999, 111n, 0],
    ])('with a deadline %s', (_name, deadlineSec, owedNano, batches) => {
        const decided = decideSettlements([candidate({ deadlineSec, owedNano })], costs, policy);
        expect(decided).toHaveLength(batches);
        if (batches > 0) expect(decided[0]!.reason).toBe('deadline');
    });

    it('never mixes escrows or epochs, never repeats, never passes ten lines', () => {
        fc.assert(
            fc.property(anyCandidates, fc.boolean(), (candidates, force) => {
                const batches = decideSettlements(candidates, costs, { ...policy, force });
                const lines = batches.flatMap((batch) => batch.lines);
                expect(new Set(lines).size).toBe(lines.length);
                for (const batch of batches) {
                    expect(batch.lines.length).toBeGreaterThan(0);
                    expect(batch.lines.length).toBeLessThanOrEqual(10);
                    expect(batch.lines.every((one) => one.escrow === batch.escrow && one.epoch === batch.epoch)).toBe(
                        true,
                    );
                    expect(batch.valueNano).toBe(batch.lines.reduce((sum, one) => sum + one.owedNano, 0n));
                    expect(batch.lines.some((one) => one.owedNano <= 0n || isExpired(one))).toBe(false);
                }
            }),
        );
    });

    it('never loses money unless forced, and unhurried only at fifty times the cost', () => {
        fc.assert(
            fc.property(anyCandidates, (candidates) => {
                for (const batch of decideSettlements(candidates, costs, policy)) {
                    const cost = costOf(batch.lines.length);
                    expect(batch.valueNano).toBeGreaterThan(cost);
                    const urgent = batch.lines.some((one) => one.deadlineSec !== null && one.deadlineSec <= 1_060);
                    if (!urgent) expect(batch.valueNano).toBeGreaterThanOrEqual(cost * 50n);
                }
            }),
        );
    });

    it('settles every payable line when forced', () => {
        fc.assert(
            fc.property(anyCandidates, (candidates) => {
                const batches = decideSettlements(candidates, costs, { ...policy, force: true });
                const payable = candidates.filter((one) => one.owedNano > 0n && !isExpired(one));
                expect(new Set(batches.flatMap((batch) => batch.lines))).toEqual(new Set(payable));
            }),
        );
    });

    it('never leaves an urgent line behind that pays for a batch alone', () => {
        fc.assert(
            fc.property(anyCandidates, (candidates) => {
                const settled = new Set(decideSettlements(candidates, costs, policy).flatMap((batch) => batch.lines));
                const must = candidates.filter(
                    (one) => !isExpired(one) && (one.deadlineSec ?? Infinity) <= 1_060 && one.owedNano > costOf(10),
                );
                expect(must.filter((one) => !settled.has(one))).toEqual([]);
            }),
        );
    });

    it('depends on the candidates, not on their order', () => {
        const shuffled = anyCandidates.chain((list) =>
            fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
        );
        fc.assert(
            fc.property(shuffled, ([list, other]) => {
                expect(decideSettlements(other, costs, policy)).toEqual(decideSettlements(list, costs, policy));
            }),
        );
    });
});
