import fc from 'fast-check';
import { applyFeeLimits, HeldLines, type SettlementBatch, type SettlementCandidate } from '../../../keepers/settlement';

const policy = { firstDelaySec: 300, longestDelaySec: 86_400 };
const line = 'escrow/1/node';

describe('lines that the chain has passed over', () => {
    it('wait a day while nothing about them changes', () => {
        const holds = new HeldLines(policy);
        holds.noteFailure({ line, fingerprint: 'a', failedAtSec: 0 });
        expect(holds.isHeld({ line, fingerprint: 'a' }, 86_399)).toBe(true);
        expect(holds.isHeld({ line, fingerprint: 'a' }, 86_400)).toBe(false);
    });

    it('are tried again soon after something changed, the later the more often they failed', () => {
        const holds = new HeldLines(policy);
        holds.noteFailure({ line, fingerprint: 'a', failedAtSec: 0 });
        expect(holds.isHeld({ line, fingerprint: 'b' }, 299)).toBe(true);
        expect(holds.isHeld({ line, fingerprint: 'b' }, 300)).toBe(false);
        holds.noteFailure({ line, fingerprint: 'b', failedAtSec: 300 });
        expect(holds.isHeld({ line, fingerprint: 'c' }, 300 + 599)).toBe(true);
        expect(holds.isHeld({ line, fingerprint: 'c' }, 300 + 600)).toBe(false);
    });

    it('are forgotten once they move, and hold back no other', () => {
        const holds = new HeldLines(policy);
        holds.noteFailure({ line, fingerprint: 'a', failedAtSec: 0 });
        expect(holds.isHeld({ line: 'escrow/1/other', fingerprint: 'a' }, 1)).toBe(false);
        holds.noteSuccess(line);
        expect(holds.isHeld({ line, fingerprint: 'a' }, 1)).toBe(false);
    });

    it('eat the gas of ten attempts a day at most, however somebody stirs them', () => {
        fc.assert(
            fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 400, maxLength: 400 }), (pauses) => {
                const holds = new HeldLines(policy);
                let [nowSec, attempts] = [0, 0];
                for (const [i, pauseSec] of pauses.entries()) {
                    nowSec += pauseSec;
                    if (nowSec > 86_400) break;
                    if (holds.isHeld({ line, fingerprint: String(i) }, nowSec)) continue;
                    attempts++;
                    holds.noteFailure({ line, fingerprint: String(i), failedAtSec: nowSec });
                }
                expect(attempts).toBeLessThanOrEqual(10);
            }),
        );
    });
});

function batch(valueNano: bigint, lines: number, reason: 'value' | 'deadline'): SettlementBatch<SettlementCandidate> {
    const one = { escrow: 'e', epoch: 1, nodeKey: 'n', owedNano: valueNano, balanceNano: valueNano, deadlineSec: null };
    return {
        escrow: 'e',
        epoch: 1,
        lines: Array.from({ length: lines }, () => one),
        valueNano,
        balanceCovers: true,
        reason,
    };
}

describe('the ceilings of an operator', () => {
    const costs = { batchNano: 20n, lineNano: 5n };

    it('refuse a settlement that costs more than one may, with the reason', () => {
        const limits = { maxFeePerSettlementNano: 40n, leftTodayNano: null };
        const { allowed, refused } = applyFeeLimits([batch(9n, 4, 'value'), batch(99n, 5, 'value')], costs, limits);
        expect(allowed.map(({ estimatedFeeNano }) => estimatedFeeNano)).toEqual([40n]);
        expect(refused).toMatchObject([{ reason: 'fee_above_ceiling', batch: { valueNano: 99n } }]);
    });

    it('spend what is left of a day on the urgent first, then on the most valuable', () => {
        const batches = [batch(5n, 1, 'value'), batch(50n, 1, 'value'), batch(1n, 1, 'deadline')];
        const limits = { maxFeePerSettlementNano: null, leftTodayNano: 50n };
        const { allowed, refused } = applyFeeLimits(batches, costs, limits);
        expect(allowed.map(({ batch: { valueNano } }) => valueNano)).toEqual([1n, 50n]);
        expect(refused).toMatchObject([{ reason: 'budget_exhausted', batch: { valueNano: 5n } }]);
    });

    it('are never passed, whatever there is to settle', () => {
        const anyBatch = fc
            .tuple(fc.bigInt({ min: 1n, max: 1_000n }), fc.integer({ min: 1, max: 10 }), fc.boolean())
            .map(([valueNano, lines, urgent]) => batch(valueNano, lines, urgent ? 'deadline' : 'value'));
        fc.assert(
            fc.property(fc.array(anyBatch), fc.bigInt({ min: -50n, max: 500n }), (batches, leftTodayNano) => {
                const limits = { maxFeePerSettlementNano: 60n, leftTodayNano };
                const { allowed, refused } = applyFeeLimits(batches, costs, limits);
                const spentNano = allowed.reduce((sum, { estimatedFeeNano }) => sum + estimatedFeeNano, 0n);
                expect(spentNano <= (leftTodayNano > 0n ? leftTodayNano : 0n)).toBe(true);
                expect(allowed.length + refused.length).toBe(batches.length);
            }),
        );
    });
});
