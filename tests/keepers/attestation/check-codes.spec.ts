import { checkCodes, verifyQuote } from '../../../keepers/attestation';
import { judge, now, sgx, tdx } from './development-evidence';
import { flaws } from './flawed-evidence';

/** A fault of the caller's, not of any evidence. */
function judgeWithBrokenOptions() {
    const { quote, collateral } = tdx();
    return verifyQuote(quote, collateral, {
        at: now,
        get claims(): never {
            throw new Error('a caller whose options cannot be read');
        },
    });
}

describe('each check', () => {
    it.each(checkCodes.map((code) => [code]))('%s is produced by evidence with that one flaw', (code) => {
        const { evidence, options } = code === 'internal_error' ? { evidence: tdx(), options: {} } : flaws[code]();
        const verdict = code === 'internal_error' ? judgeWithBrokenOptions() : judge(evidence, options);
        expect(verdict.failedCheck).toBe(code);
        expect(verdict.verdict).toBe('rejected');
        expect(verdict.detail.length).toBeGreaterThan(10);
    });

    it('passes on the same evidence without a flaw', () => {
        for (const evidence of [tdx(), tdx({ version: 5 }), sgx()]) {
            expect(judge(evidence)).toMatchObject({ verdict: 'accepted', failedCheck: null });
        }
    });
});
