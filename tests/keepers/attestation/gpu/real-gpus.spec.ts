import { randomInt } from 'node:crypto';
import { nvidiaRootPublicKey, verifyGpuEvidence, type GpuDocument } from '../../../../keepers/attestation/gpu';
import { parseGpuReport } from '../../../../keepers/attestation/gpu/parse/spdm';
import { DeviceChainChecker, isSigned } from '../../../../keepers/attestation/gpu/verify/device-chain';
import { FormatError } from '../../../../keepers/attestation/parse/format-error';
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

    /** One random change of one byte. */
    function changed(report: Buffer, at: number): Buffer {
        const copy = Buffer.from(report);
        copy[at]! ^= randomInt(1, 256);
        return copy;
    }

    it('finds any change of any byte that is signed, by form or signature', () => {
        const [gpu] = readGpuDocument('hopper_evidence.json') as [GpuDocument[number]];
        const report = Buffer.from(gpu.evidence, 'base64');
        const pem = Buffer.from(gpu.certificate, 'base64').toString('latin1');
        const { leaf } = new DeviceChainChecker(nvidiaRootPublicKey, at.getTime()).check(pem);
        const isGenuine = (bytes: Buffer) => {
            try {
                const { signed, signature } = parseGpuReport(bytes);
                return isSigned(leaf, signed, signature, 'ieee-p1363');
            } catch (error) {
                if (error instanceof FormatError) return false;
                throw error;
            }
        };
        expect(isGenuine(report)).toBe(true);
        const survivors = [...report.keys()].slice(0, -96).filter((i) => isGenuine(changed(report, i)));
        expect(survivors).toEqual([]);
    });

    it('refuses evidence with any such change: one byte in eight', () => {
        const [gpu] = readGpuDocument('hopper_evidence.json') as [GpuDocument[number]];
        const report = Buffer.from(gpu.evidence, 'base64');
        for (let i = randomInt(8); i < report.length - 96; i += 8) {
            const bytes = changed(report, i);
            const entry = { ...gpu, evidence: bytes.toString('base64'), nonce: bytes.toString('hex', 4, 36) };
            expect(verifyGpuEvidence([entry], { at }).verdict).toBe('rejected');
        }
    });
});
