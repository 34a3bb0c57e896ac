import { createHash } from 'node:crypto';
import { readServedEvidence, verifyServedEvidence } from '../../../keepers/attestation';
import { now, pki, sgx, tdx } from './development-evidence';

const bundle = Buffer.alloc(239, 5);
const reportData = Buffer.concat([createHash('sha256').update(bundle).digest(), Buffer.alloc(32, 1)]);
const options = { at: now, rootPublicKey: pki.rootPublicKey };

function entry({ quote, collateral } = tdx({ reportData }), of = bundle): Record<string, unknown> {
    return { nodeKey: 'ab', bundle: of.toString('base64'), quote: quote.toString('base64'), collateral };
}

describe('evidence that peers serve', () => {
    it('is accepted where the quote was made for the key bundle beside it', () => {
        expect(verifyServedEvidence(readServedEvidence(entry()), options).verdict).toBe('accepted');
    });

    it('is refused with another bundle, another root, or of another TEE', () => {
        const judge = (json: unknown, by: object = options) =>
            verifyServedEvidence(readServedEvidence(json), by as typeof options).failedCheck;
        expect(judge(entry(undefined, Buffer.alloc(239)))).toBe('policy_report_data');
        expect(judge(entry(), { at: now })).toBe('pck_chain_root');
        expect(judge(entry(sgx({ reportData })))).toBe('policy_tee_type');
    });

    it('is a typed error where it has another form', () => {
        const unusable = expect.objectContaining({ code: 'evidence_unusable' }) as Error;
        for (const json of [null, {}, { ...entry(), quote: '***' }, { ...entry(), collateral: {} }]) {
            expect(() => readServedEvidence(json)).toThrow(unusable);
        }
    });
});
