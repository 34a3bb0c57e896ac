import fc from 'fast-check';
import { applyFeeLimits, HeldLines, type SettlementBatch, type SettlementCandidate } from '../../../keepers/settlement';
import { defaultHoldPolicy as policy } from '../../../keepers/settlement/held-lines';

const line = 'escrow/1/node';
const deadlineSec = null;

describe('lines that the chain has passed over', () => {
    it('wait a day while nothing about them changes', () => {
        const holds = new HeldLines(policy);
        holds.noteFailure({ line, deadlineSec, fingerprint: 'a', failedAtSec: 0 });
        expect(holds.isHeld({ line, deadlineSec, fingerprint: 'a' }, 86_399)).toBe(true);
        expect(holds.isHeld({ line, deadlineSec, fingerprint: 'a' }, 86_400)).toBe(false);
    });

    it('are tried again soon after something changed, the later the more often they failed', () => {
        const holds = new HeldLines(policy);
        holds.noteFailure({ line, deadlineSec, fingerprint: 'a', failedAtSec: 0 });
        expect(holds.isHeld({ line, deadlineSec, fingerprint: 'b' }, 299)).toBe(true);
        expect(holds.isHeld({ line, deadlineSec, fingerprint: 'b' }, 300)).toBe(false);
        holds.noteFailure({ line, deadlineSec, fingerprint: 'b', failedAtSec: 300 });
        expect(holds.isHeld({ line, deadlineSec, fingerprint: 'c' }, 300 + 599)).toBe(true);
        expect(holds.isHeld({ line, deadlineSec, fingerprint: 'c' }, 300 + 600)).toBe(false);
    });

    it('are forgotten once they move, and hold back no other', () => {
        const holds = new HeldLines(policy);
        holds.noteFailure({ line, deadlineSec, fingerprint: 'a', failedAtSec: 0 });
        expect(holds.isHeld({ line: 'escrow/1/other', deadlineSec, fingerprint: 'a' }, 1)).toBe(false);
        holds.noteSuccess(line);
        expect(holds.isHeld({ line, deadlineSec, fingerprint: 'a' }, 1)).toBe(false);
    });

    it('count as changed where nothing told whether their looks were the reason', () => {
        const holds = new HeldLines(policy);
        holds.noteFailure({ line, deadlineSec, fingerprint: null, failedAtSec: 0 });
        for (const fingerprint of ['a', null]) {
            expect(holds.isHeld({ line, deadlineSec, fingerprint }, 299)).toBe(true);
            expect(holds.isHeld({ line, deadlineSec, fingerprint }, 300)).toBe(false);
        }
    });

    it('wait no day past a deadline, though nothing changes: a minute, then twice as long each time', () => {
        const holds = new HeldLines(policy);
        const pressed = { line, fingerprint: 'a', deadlineSec: 10_000 };
        holds.noteFailure({ ...pressed, failedAtSec: 0 });
        expect(holds.isHeld(pressed, 6_399)).toBe(true);
        const attemptsSec = [];
        for (let nowSec = 6_400; nowSec <= pressed.deadlineSec; nowSec += 10) {
            if (holds.isHeld(pressed, nowSec)) continue;
            attemptsSec.push(nowSec - 6_400);
            holds.noteFailure({ ...pressed, failedAtSec: nowSec });
        }
        expect(attemptsSec).toEqual([0, 120, 360, 840, 1_800]);
    });

    it('had many failures before, and are tried before their deadline all the same', () => {
        const holds = new HeldLines(policy);
        const before = { line, fingerprint: 'a', deadlineSec: null };
        for (let day = 0; day < 9; day++) holds.noteFailure({ ...before, failedAtSec: day * 86_400 });
        const failedAtSec = 9 * 86_400;
        holds.noteFailure({ ...before, failedAtSec });
        const closing = { line, fingerprint: 'closing', deadlineSec: failedAtSec + 600 };
        expect(holds.isHeld(closing, failedAtSec + 59)).toBe(true);
        expect(holds.isHeld(closing, failedAtSec + 60)).toBe(false);
    });

    it('eat the gas of ten attempts a day at most, however somebody stirs them, and as many under deadlines', () => {
        const stir = fc.record({
            pauseSec: fc.integer({ min: 1, max: 600 }),
            leftSec: fc.option(fc.integer({ min: 0, max: 7_200 })),
        });
        fc.assert(
            fc.property(fc.array(stir, { minLength: 400, maxLength: 400 }), (stirs) => {
                for (const [withDeadlines, most] of [
                    [false, 10],
                    [true, 20],
                ] as const) {
                    const holds = new HeldLines(policy);
                    let [nowSec, attempts] = [0, 0];
                    for (const [i, { pauseSec, leftSec }] of stirs.entries()) {
                        nowSec += pauseSec;
                        if (nowSec > 86_400) break;
                        const end = withDeadlines && leftSec !== null ? nowSec + leftSec : null;
                        const now = { line, fingerprint: String(i), deadlineSec: end };
                        if (holds.isHeld(now, nowSec)) continue;
                        attempts++;
                        holds.noteFailure({ ...now, failedAtSec: nowSec });
                    }
                    expect(attempts).toBeLessThanOrEqual(most);
                }
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
