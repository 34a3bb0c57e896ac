import { verifyGpuEvidence, type GpuDocument } from '../../../../keepers/attestation/gpu';
import { describeRealGpus, documentOfPair, readGpuDocument, readGpuVector } from './real-gpu-vectors';

const at = new Date('2026-02-20');

describeRealGpus('real GPUs', () => {
    it('accepts the evidence of an H100 and reads what it says', () => {
        const document = readGpuDocument('hopper_evidence.json');
        const verdict = verifyGpuEvidence(document, {
            at,
            claims: { nonce: Buffer.from(document[0]!.nonce, 'hex') },
        });
        expect(verdict).toMatchObject({ verdict: 'accepted', failedCheck: null });
        expect(verdict.checks).toEqual({
            nonce: 'matched',
            mode: 'unstated',
            revocation: 'unchecked',
            measurements: 'unchecked',
        });
        expect(verdict.gpus).toEqual([
            expect.objectContaining({
                architecture: 'HOPPER',
                chip: 'GH100',
                driverVersion: '590.12',
                vbiosVersion: '96.00.A5.00.01',
                feature: 'protected-pcie',
            }),
        ]);
    });

    it('accepts offline what NVIDIA has put on hold since: only its service tells', () => {
        const verdict = verifyGpuEvidence(readGpuDocument('hopper_evidence_cert_hold.json'), { at });
        expect(verdict).toMatchObject({ verdict: 'accepted', checks: { nonce: 'unchecked', revocation: 'unchecked' } });
    });

    it('accepts the sample report with its chain', () => {
        expect(verifyGpuEvidence(documentOfPair('hopperAttestationReport.txt'), { at })).toMatchObject({
            verdict: 'accepted',
            gpus: [{ driverVersion: '550.90.07', vbiosVersion: '96.00.9F.00.01' }],
        });
    });

    it('refuses the report whose signature is not of that GPU', () => {
        const verdict = verifyGpuEvidence(documentOfPair('sdk-hopperReport-InvalidSignature.txt'), { at });
        expect(verdict).toMatchObject({ verdict: 'rejected', failedCheck: 'gpu_report_signature' });
    });

    it('pins the root that NVIDIA publishes, and no other', () => {
        const chain = readGpuVector('hopperCertChain.txt');
        expect(chain).toContain(readGpuVector('verifier_device_root.pem').trim());
        const [gpu] = documentOfPair('hopperAttestationReport.txt') as [GpuDocument[number]];
        const rim = readGpuVector('verifier_RIM_root.pem').trim();
        const other = chain.replace(readGpuVector('verifier_device_root.pem').trim(), rim);
        const verdict = verifyGpuEvidence([{ ...gpu, certificate: Buffer.from(other).toString('base64') }], { at });
        expect(verdict.failedCheck).toBe('gpu_chain_root');
    });

    it('refuses any change to any byte that is signed', () => {
        const [gpu] = readGpuDocument('hopper_evidence.json') as [GpuDocument[number]];
        const report = Buffer.from(gpu.evidence, 'base64');
        const survivors: number[] = [];
        for (let i = 0; i < report.length - 96; i++) {
            const changed = Buffer.from(report);
            changed[i]! ^= 1 + Math.floor(Math.random() * 255);
            const evidence = changed.toString('base64');
            const nonce = changed.toString('hex', 4, 36);
            if (verifyGpuEvidence([{ ...gpu, evidence, nonce }], { at }).verdict === 'accepted') survivors.push(i);
        }
        expect(survivors).toEqual([]);
    }, 180_000);
});
