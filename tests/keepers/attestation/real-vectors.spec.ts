import { verifyQuote, verifyQuoteSignature } from '../../../keepers/attestation';
import { presentVectors, readCollateral, readQuote, realVectors } from './real-vectors';

const vectors = presentVectors('real vectors');
const whole = vectors.filter(({ collateral }) => collateral !== null);

/** Without vectors these are counted as skipped, never as passed. */
const itWithVectors = vectors.length === 0 ? it.skip : it;

describe('evidence of real machines', () => {
    itWithVectors(`(${vectors.length} of ${realVectors.length} vectors present)`, () => {
        expect(vectors).toHaveLength(realVectors.length);
    });

    for (const vector of vectors) {
        it(`${vector.quote} with ${vector.collateral ?? 'signatures only'} is ${vector.status ?? 'of no status'}`, () => {
            const [quote, options] = [readQuote(vector), { at: new Date(vector.at) }];
            const verdict =
                vector.collateral === null
                    ? verifyQuoteSignature(quote, options)
                    : verifyQuote(quote, readCollateral(vector), options);
            expect(verdict).toMatchObject({
                verdict: vector.failedCheck === null ? 'accepted' : 'rejected',
                status: vector.status,
                advisoryIds: vector.advisoryIds,
                failedCheck: vector.failedCheck,
            });
        });
    }

    for (const vector of whole) {
        it(`${vector.quote} is refused outside the time of its collateral`, () => {
            const year = Number(vector.at.slice(0, 4));
            for (const at of [`${year - 9}-01-01`, `${year + 2}-01-01`, `${year + 40}-01-01`]) {
                const verdict = verifyQuote(readQuote(vector), readCollateral(vector), { at: new Date(at) });
                expect(verdict.verdict).toBe('rejected');
                expect(verdict.failedCheck).toMatch(/validity|dates/);
            }
        });
    }

    itWithVectors("is refused with another platform's collateral", () => {
        const foreign = whole.flatMap((one) =>
            whole.filter((other) => other.collateral !== one.collateral).map((other) => [one, other] as const),
        );
        for (const [one, other] of foreign) {
            const verdict = verifyQuote(readQuote(one), readCollateral(other), { at: new Date(other.at) });
            expect(verdict.verdict).toBe('rejected');
        }
    });
});
