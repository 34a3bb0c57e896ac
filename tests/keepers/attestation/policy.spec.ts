import { createHash } from 'node:crypto';
import {
    imageIdOf,
    policySchema,
    verifyQuoteSignature,
    verifyTdxQuote,
    type EvidenceClaims,
    type PolicyInput,
} from '../../../keepers/attestation';
import { judge, now, pki, reportData, sgx, tdx } from './development-evidence';

const register = (byte: number) => Buffer.alloc(48, byte);
const measurements = {
    mrtd: register(1),
    rtmr0: register(2),
    rtmr1: register(3),
    rtmr2: register(4),
    rtmr3: register(5),
};
const evidence = tdx({ measurements });
const image = Object.fromEntries(
    Object.entries(measurements).map(([name, value]) => [name, value.toString('hex')]),
) as {
    [name in keyof typeof measurements]: string;
};

const outcome = (policy: PolicyInput, claims?: EvidenceClaims, of = evidence) =>
    judge(of, { policy, claims }).failedCheck;

describe('policy', () => {
    it('accepts an allowed image by its registers or by their hash', () => {
        const imageId = imageIdOf(image).toString('hex');
        const digest = createHash('sha256')
            .update(Buffer.concat(Object.values(measurements)))
            .digest('hex');
        expect(imageId).toBe(digest);
        expect(judge(evidence).imageId).toBe(imageId);
        expect(outcome({ images: [image] })).toBeNull();
        expect(outcome({ images: [{ imageId: 'ab'.repeat(32) }, { imageId: imageId.toUpperCase() }] })).toBeNull();
        expect(outcome({ images: [{ ...image, rtmr3: register(6).toString('hex') }] })).toBe('policy_image');
        expect(outcome({ images: [] })).toBe('policy_image');
        expect(outcome({ images: [image] }, undefined, sgx())).toBe('policy_image');
    });

    it('reads an image id only from whole registers', () => {
        expect(() => imageIdOf({ ...image, rtmr0: 'ab' })).toThrow(RangeError);
    });

    it('binds evidence to report data, whole or by its first half', () => {
        const hex = reportData.toString('hex');
        const bundleHash = reportData.subarray(0, 32);
        expect(outcome({ reportData: hex })).toBeNull();
        expect(outcome({ reportData: hex.slice(0, 64) }, { bundleHash })).toBeNull();
        expect(outcome({ reportData: `${hex.slice(0, 127)}0` })).toBe('policy_report_data');
        expect(outcome({ reportData: hex }, { bundleHash: Buffer.alloc(32) })).toBe('policy_report_data');
        expect(outcome({}, { bundleHash: Buffer.alloc(0) })).toBe('policy_report_data');
    });

    it('accepts allowed models, and none that is not named', () => {
        const models = ['ab'.repeat(32)];
        expect(outcome({ models }, { modelRoot: Buffer.alloc(32, 0xab) })).toBeNull();
        expect(outcome({ models })).toBe('policy_model');
        expect(outcome({ models: [] }, { modelRoot: Buffer.alloc(32, 0xab) })).toBe('policy_model');
    });

    it('dates evidence by the masterchain block in its report data', () => {
        const block = { rootHash: reportData.subarray(32), time: now };
        expect(outcome({ maxBlockAgeSeconds: 1 }, { block })).toBeNull();
        expect(outcome({ maxBlockAgeSeconds: 1 })).toBe('policy_block');
        const ahead = { ...block, time: new Date(now.getTime() + 60_000) };
        expect(outcome({ maxBlockAgeSeconds: 1 }, { block: ahead })).toBeNull();
        const old = { ...block, time: new Date(now.getTime() - 1001) };
        expect(outcome({ maxBlockAgeSeconds: 1 }, { block: old })).toBe('policy_age');
        expect(outcome({}, { block: old })).toBeNull();
        expect(outcome({ maxBlockAgeSeconds: 1 }, { block: { ...block, time: new Date(NaN) } })).toBe('policy_age');
    });

    it('reads every debug bit of a TD, and the debug flag of an enclave', () => {
        for (let bit = 0; bit < 8; bit++) {
            const tdAttributes = Buffer.from([1 << bit, 0, 0, 0x10, 0, 0, 0, 0]);
            expect(judge(tdx({ tdAttributes })).failedCheck).toBe('policy_debug');
            expect(judge(tdx({ tdAttributes }), { policy: { debug: 'allow' } }).verdict).toBe('accepted');
        }
        const attributes = Buffer.from('0700000000000000e700000000000000', 'hex');
        const enclave = sgx({ fields: { attributes } });
        expect(judge(enclave).failedCheck).toBe('policy_debug');
        expect(judge(enclave, { policy: { debug: 'allow' } }).verdict).toBe('accepted');
    });

    it('judges attributes only where it is told to', () => {
        const bare = tdx({ tdAttributes: Buffer.alloc(8), xfam: Buffer.alloc(8) });
        expect(judge(bare).verdict).toBe('accepted');
        expect(judge(bare, { policy: { septVeDisable: 'required' } }).failedCheck).toBe('policy_sept_ve_disable');
        expect(outcome({ septVeDisable: 'required' })).toBeNull();
        const xfam = { required: '0300000000000000', allowed: 'e702060000000000' };
        expect(outcome({ xfam })).toBeNull();
        expect(judge(bare, { policy: { xfam } }).failedCheck).toBe('policy_xfam');
        expect(outcome({ xfam: { ...xfam, allowed: 'e702000000000000' } })).toBe('policy_xfam');
    });

    it('takes a TD without a service TD as one of zero measurement', () => {
        const mrServiceTd = ['0'.repeat(96)];
        expect(outcome({ mrServiceTd })).toBeNull();
        expect(judge(tdx({ version: 5 }), { policy: { mrServiceTd } }).verdict).toBe('accepted');
        const bound = tdx({ version: 5, mrServiceTd: register(9) });
        expect(judge(bound, { policy: { mrServiceTd } }).failedCheck).toBe('policy_mr_service_td');
        expect(judge(bound).verdict).toBe('accepted');
    });

    it('weighs advisories beside the status', () => {
        const advised = tdx({
            collateral: { platformStatus: 'SWHardeningNeeded', advisoryIds: ['INTEL-SA-1', 'INTEL-SA-2'] },
        });
        expect(judge(advised)).toMatchObject({ verdict: 'accepted', advisoryIds: ['INTEL-SA-1', 'INTEL-SA-2'] });
        expect(judge(advised, { policy: { acceptedAdvisories: ['INTEL-SA-1', 'INTEL-SA-2'] } }).verdict).toBe(
            'accepted',
        );
        expect(judge(advised, { policy: { acceptedAdvisories: ['INTEL-SA-1'] } }).failedCheck).toBe('policy_advisory');
    });

    it('is strict: a rule that is misspelt or malformed is no rule at all, so nothing is accepted', () => {
        const bad: unknown[] = [
            { status: ['UpToDate'] },
            { debug: true },
            { images: [{ mrtd: '00' }] },
            { statuses: ['Fine'] },
            [],
            'strict',
            null,
        ];
        for (const policy of bad) {
            expect(judge(evidence, { policy: policy as PolicyInput }).failedCheck).toBe('policy_format');
        }
        expect(() => policySchema.parse({ deniedPlatforms: ['xyz'] })).toThrow('32 bytes of hex');
    });
});

describe('entry points', () => {
    it('verifyTdxQuote refuses SGX whatever the policy says', () => {
        const options = { at: now, rootPublicKey: pki.rootPublicKey, policy: { teeTypes: ['sgx' as const] } };
        expect(verifyTdxQuote(sgx().quote, sgx().collateral, options).failedCheck).toBe('policy_tee_type');
        expect(verifyTdxQuote(evidence.quote, evidence.collateral, options).verdict).toBe('accepted');
    });

    it('verifyQuoteSignature says nothing on the platform, and judges what the quote reports', () => {
        const options = { at: now, rootPublicKey: pki.rootPublicKey };
        expect(verifyQuoteSignature(evidence.quote, options)).toMatchObject({
            verdict: 'accepted',
            status: null,
            validUntil: null,
        });
        const debugged = tdx({ tdAttributes: Buffer.from('0100000000000000', 'hex') });
        expect(verifyQuoteSignature(debugged.quote, options).failedCheck).toBe('policy_debug');
        expect(verifyQuoteSignature(evidence.quote, { at: now }).failedCheck).toBe('pck_chain_root');
    });

    it('evaluates at no date that is not one', () => {
        for (const at of [new Date(NaN), null, '2026-03-01', 0]) {
            expect(judge(evidence, { at: at as Date })).toMatchObject({
                failedCheck: 'clock_invalid',
                evaluatedAt: '',
            });
        }
    });
});
