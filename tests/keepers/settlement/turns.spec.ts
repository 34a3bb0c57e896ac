import fc from 'fast-check';
import { defaultTurns, Turns } from '../../../keepers/settlement';

const { slotSec, slots } = defaultTurns;
const windowSec = slotSec * slots;

interface Simulated {
    settlers: number;
    /** Offset of each settler's polling. */
    phases: readonly number[];
    intervalSec: number;
    /** From a send until the others see it paid. */
    visibleAfterSec: number;
    rounds: number;
}

/**
 * Settlers of equal rights over one escrow, each of whose receipts becomes worth settling at some moment. Every settler
 * looks at its interval, or when its turn comes if that is sooner, and sends if it sees nothing paid.
 */
function sendsOf({ settlers, phases, intervalSec, visibleAfterSec, rounds }: Simulated, seed: string): number {
    const turns = Array.from({ length: settlers }, (_, i) => new Turns({ settlerId: `${seed} ${i}`, slotSec, slots }));
    let sends = 0;
    for (let round = 0; round < rounds; round++) {
        const escrow = `escrow ${seed} ${round}`;
        const readyAtSec = round * 7_919;
        const wakeups = turns.map((one, i) => {
            one.noteOthers(readyAtSec);
            return readyAtSec + (phases[i % phases.length]! % intervalSec);
        });
        let firstSentSec = Infinity;
        const waiting = new Set(turns.keys());
        while (waiting.size > 0) {
            const next = [...waiting].reduce((a, b) => (wakeups[b]! < wakeups[a]! ? b : a));
            const nowSec = wakeups[next]!;
            if (nowSec >= firstSentSec + visibleAfterSec) {
                waiting.delete(next);
                continue;
            }
            const waitSec = turns[next]!.waitSec(escrow, nowSec);
            if (waitSec > 0) {
                wakeups[next] = nowSec + Math.min(intervalSec, waitSec);
                continue;
            }
            sends++;
            firstSentSec = Math.min(firstSentSec, nowSec);
            waiting.delete(next);
        }
    }
    return sends;
}

describe('settlers that take turns', () => {
    it.each([2, 3])('send at most a fifth more than one alone would, %i of them', (settlers) => {
        fc.assert(
            fc.property(
                fc.array(fc.nat({ max: 59 }), { minLength: settlers, maxLength: settlers }),
                fc.integer({ min: 5, max: 60 }),
                fc.integer({ min: 1, max: 8 }),
                fc.uuid(),
                (phases, intervalSec, visibleAfterSec, seed) => {
                    const rounds = 400;
                    const sends = sendsOf({ settlers, phases, intervalSec, visibleAfterSec, rounds }, seed);
                    expect(sends).toBeGreaterThanOrEqual(rounds);
                    expect(sends).toBeLessThanOrEqual(rounds * 1.2);
                },
            ),
            { numRuns: 25 },
        );
    });

    it('get a turn in every window, whoever they are and whenever they ask', () => {
        const turns = new Turns({ settlerId: 'a', slotSec, slots });
        fc.assert(
            fc.property(fc.nat({ max: 10_000_000 }), fc.string(), (nowSec, escrow) => {
                turns.noteOthers(nowSec);
                const waitSec = turns.waitSec(escrow, nowSec);
                expect(waitSec).toBeLessThan(2 * windowSec);
                turns.noteOthers(nowSec + waitSec);
                expect(turns.waitSec(escrow, nowSec + waitSec)).toBe(0);
            }),
        );
    });

    it('do not wait while they are alone, and a week after they last met another', () => {
        const turns = new Turns({ settlerId: 'a', slotSec, slots });
        for (let nowSec = 0; nowSec < windowSec; nowSec += 7) expect(turns.waitSec('e', nowSec)).toBe(0);
        turns.noteOthers(0);
        const waits = Array.from({ length: slots }, (_, slot) => turns.waitSec('e', slot * slotSec + slotSec - 1));
        expect(waits.every((waitSec) => waitSec > 0)).toBe(true);
        expect(turns.waitSec('e', 7 * 86_400 + 1)).toBe(0);
    });
});
