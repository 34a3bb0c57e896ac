import fc from 'fast-check';
import { judgeSend, type SendObservation } from '../../../keepers/chain';

const anyObservation: fc.Arbitrary<SendObservation> = fc.record({
    isOver: fc.boolean(),
    slot: fc.constantFrom('free', 'taken', 'unknown'),
    history: fc.constantFrom('match', 'without', 'lagging', 'gone', 'unread'),
});

describe('the fate of a signed request', () => {
    it('is open while its slot is free and its time runs', () => {
        expect(judgeSend({ isOver: false, slot: 'free', history: 'unread' })).toBeNull();
    });

    it('is expired when a state from after its time has its slot free', () => {
        expect(judgeSend({ isOver: true, slot: 'free', history: 'unread' })).toBe('expired');
    });

    it('is executed when its transaction is there, whatever else is said', () => {
        fc.assert(
            fc.property(anyObservation, (seen) => {
                expect(judgeSend({ ...seen, history: 'match' })).toBe('executed');
            }),
        );
    });

    it('is overtaken when its slot is taken and every transaction since was another’s', () => {
        expect(judgeSend({ isOver: false, slot: 'taken', history: 'without' })).toBe('overtaken');
    });

    it('is untraced only after its time, when the transactions that would tell are gone', () => {
        expect(judgeSend({ isOver: true, slot: 'taken', history: 'gone' })).toBe('untraced');
        expect(judgeSend({ isOver: false, slot: 'taken', history: 'gone' })).toBeNull();
    });

    it('never allows new bytes on the word of an endpoint that is behind', () => {
        fc.assert(
            fc.property(anyObservation, (seen) => {
                const lagging = { ...seen, history: 'lagging' as const };
                if (seen.slot !== 'free') expect(judgeSend(lagging)).toBeNull();
            }),
        );
    });

    it('never allows new bytes while the old ones have time, unless their slot is provably another’s', () => {
        fc.assert(
            fc.property(anyObservation, (seen) => {
                const fate = judgeSend(seen);
                const allows = fate === 'expired' || fate === 'overtaken';
                if (allows && !seen.isOver) expect([seen.slot, seen.history]).toEqual(['taken', 'without']);
            }),
        );
    });
});
