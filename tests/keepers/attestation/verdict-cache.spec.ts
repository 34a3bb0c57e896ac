import { EvaluationFloor, mintCollateral, VerdictCache, type VerdictCacheOptions } from '../../../keepers/attestation';
import { judge, now, onPlatform, pki, reportData, sgx, tdx } from './development-evidence';

const later = (ms: number) => new Date(now.getTime() + ms);
const evidence = tdx();
const { quote, collateral } = evidence;

function cache(options: Partial<VerdictCacheOptions> = {}): VerdictCache {
    return new VerdictCache({ rootPublicKey: pki.rootPublicKey, maxAgeMs: 60_000, maxEntries: 3, ...options });
}

describe('cached verdicts', () => {
    it('are those of the same evidence, padding aside', () => {
        const verdicts = cache();
        const first = verdicts.verify(quote, collateral, { at: now });
        expect(first.verdict).toBe('accepted');
        expect(verdicts.verify(Buffer.from(quote), { ...collateral }, { at: later(1000) })).toBe(first);
        expect(verdicts.verify(Buffer.concat([quote, Buffer.alloc(64)]), collateral, { at: now })).toBe(first);
        expect(Object.isFrozen(first)).toBe(true);
    });

    it('are not those of evidence that differs in a byte, under the same signature', () => {
        const verdicts = cache();
        verdicts.verify(quote, collateral, { at: now });
        const forged = Buffer.from(quote);
        forged[200] = forged[200]! ^ 1;
        expect(verdicts.verify(forged, collateral, { at: now }).failedCheck).toBe('quote_signature');
        expect(verdicts.verify(quote, { ...collateral, pck_crl: '' }, { at: now }).failedCheck).toBe(
            'pck_crl_encoding',
        );
        expect(verdicts.verify(quote, null as never, { at: now }).failedCheck).toBe('collateral_format');
    });

    it('do not see later changes to what was judged', () => {
        const [verdicts, changing] = [cache(), { ...collateral }];
        verdicts.verify(quote, changing, { at: now });
        changing.tcb_info = '{}';
        expect(verdicts.verify(quote, changing, { at: now }).failedCheck).toBe('tcb_info_signature');
    });

    it('end with their age, with the collateral, and before their time', () => {
        const verdicts = cache();
        const first = verdicts.verify(quote, collateral, { at: now });
        expect(verdicts.verify(quote, collateral, { at: later(60_001) })).not.toBe(first);
        expect(verdicts.verify(quote, collateral, { at: later(-1) })).not.toBe(first);
        const lasting = cache({ maxAgeMs: 1e12 });
        const { validUntil } = lasting.verify(quote, collateral, { at: now });
        expect(validUntil).toBe('2026-03-31T12:00:00.000Z');
        expect(lasting.verify(quote, collateral, { at: new Date(Date.parse(validUntil!) + 1) }).verdict).toBe(
            'rejected',
        );
    });

    it('end with the age of the block that dates the evidence', () => {
        const claims = { block: { rootHash: reportData.subarray(32), time: now } };
        const { validUntil } = judge(evidence, { policy: { maxBlockAgeSeconds: 600 }, claims });
        expect(validUntil).toBe(later(600_000).toISOString());
    });

    it('are told apart by what the caller claims', () => {
        const verdicts = cache();
        const bundleHash = reportData.subarray(0, 32);
        expect(verdicts.verify(quote, collateral, { at: now, claims: { bundleHash } }).verdict).toBe('accepted');
        const other = { bundleHash: Buffer.alloc(32) };
        expect(verdicts.verify(quote, collateral, { at: now, claims: other }).failedCheck).toBe('policy_report_data');
    });

    it('are dropped with the policy', () => {
        const verdicts = cache();
        verdicts.verify(quote, collateral, { at: now });
        expect(verdicts.size).toBe(1);
        verdicts.replacePolicy({ images: [] });
        expect(verdicts.size).toBe(0);
        expect(verdicts.verify(quote, collateral, { at: now }).failedCheck).toBe('policy_image');
    });

    it('are bounded in number, and refusals are not kept', () => {
        const verdicts = cache();
        for (const name of ['a', 'b', 'c', 'd']) {
            const machine = onPlatform({ name });
            verdicts.verify(machine.quote, machine.collateral, { at: now });
        }
        for (const bad of [
            Buffer.alloc(10),
            Buffer.alloc(70_000),
            'text' as never,
            tdx({ changes: { version: 9 } }).quote,
        ]) {
            expect(verdicts.verify(bad, collateral, { at: now }).verdict).toBe('rejected');
        }
        expect(verdicts.size).toBe(3);
    });

    it('cost less than 50 microseconds', () => {
        const verdicts = cache();
        const times = Array.from({ length: 2000 }, () => {
            const start = process.hrtime.bigint();
            verdicts.verify(quote, collateral, { at: now });
            return Number(process.hrtime.bigint() - start) / 1000;
        });
        expect(times.sort((a, b) => a - b)[200]).toBeLessThan(50);
    });
});

describe('the floor of evaluation numbers', () => {
    it('rises with what is accepted and refuses what is older', () => {
        const floor = new EvaluationFloor({ 'sgx/90c06f000000': 30 });
        const verdicts = cache({ floor });
        const older = mintCollateral(pki, evidence.platform, { evaluationNumber: 17 });
        expect(verdicts.verify(quote, older, { at: now }).verdict).toBe('accepted');
        expect(verdicts.verify(quote, collateral, { at: now }).verdict).toBe('accepted');
        expect(verdicts.verify(quote, older, { at: now })).toMatchObject({
            verdict: 'rejected',
            failedCheck: 'tcb_evaluation_number',
            validUntil: null,
        });
        expect(JSON.parse(JSON.stringify(floor))).toEqual({ 'sgx/90c06f000000': 30, 'tdx/90c06f000000': 18 });
    });

    it('is kept for each family, and moves for no refusal', () => {
        const floor = new EvaluationFloor({ 'sgx/90c06f000000': 30 });
        expect(floor.admit(judge(sgx())).failedCheck).toBe('tcb_evaluation_number');
        const refused = judge(tdx({ collateral: { platformStatus: 'OutOfDate', evaluationNumber: 99 } }));
        expect(floor.admit(refused)).toBe(refused);
        expect(floor.toJSON()).toEqual({ 'sgx/90c06f000000': 30 });
    });
});
