import {
    createGpu,
    gpuCheckCodes,
    gpuEvidenceDigest,
    mintGpuDocument,
    type GpuCheckCode,
    type GpuDeviceOptions,
    type GpuVerdict,
} from '../../../../keepers/attestation/gpu';
import { p384, SigningKey } from '../../../../keepers/attestation/mint/signing-key';
import { developmentGpuPki, gpu, judge, nonce, now, pki } from './development-gpus';

const stranger = new SigningKey(Buffer.alloc(32, 99), 'stranger', p384);
const past = new Date(now.getTime() - 1000);
const certified = (certificates: Parameters<typeof developmentGpuPki>[0]) =>
    judge(gpu({}, {}, developmentGpuPki(certificates)));
const device = (options: GpuDeviceOptions) => judge(gpu({}, options));
const pem = (text: string) => [{ ...gpu()[0]!, certificate: Buffer.from(text).toString('base64') }];
const chainText = () => Buffer.from(gpu()[0]!.certificate, 'base64').toString('latin1');

type LocalCode = Exclude<GpuCheckCode, `nras_${string}` | 'internal_error'>;

/** For each code of the local verifier, evidence with that one flaw. */
const flaws: Record<LocalCode, () => GpuVerdict> = {
    clock_invalid: () => judge(gpu(), { at: new Date(NaN) }),
    gpu_policy_format: () => judge(gpu(), { policy: { minimumGpus: 1 } as never }),
    gpu_evidence_format: () => judge({ gpus: gpu() }),
    gpu_evidence_digest: () => judge(gpu(), { claims: { evidenceDigest: Buffer.alloc(32) } }),
    gpu_report_format: () => judge(gpu({ changes: { edit: (report) => report.subarray(0, -1) } })),
    gpu_chain_encoding: () => judge(pem(chainText().split('-----END')[0]!)),
    gpu_chain_root: () => judge(gpu(), { rootPublicKey: stranger.publicKey }),
    gpu_chain_names: () => certified({ identity: { subject: 'NVIDIA GB100 Identity' } }),
    gpu_chain_constraints: () => certified({ provisioner: { isCa: false } }),
    gpu_chain_validity: () => certified({ identity: { notAfter: past } }),
    gpu_chain_signature: () => certified({ provisioner: { issuerKey: stranger } }),
    gpu_report_signature: () => judge(gpu({ changes: { signer: stranger } })),
    gpu_fwid: () => judge(gpu({ changes: { fwid: Buffer.alloc(48, 1) } })),
    gpu_firmware_unsafe: () => device({ architecture: 'BLACKWELL', diceFlags: 0x90 }),
    gpu_architecture: () => judge(gpu({ changes: { entry: { arch: 'BLACKWELL' } } })),
    gpu_nonce: () => judge(gpu({ nonce: Buffer.alloc(32, 1) })),
    gpu_statement: () => judge(gpu({ changes: { entry: { driver_version: '1.0' } } })),
    gpu_cc_off: () => judge(gpu({ ccMode: 'off' })),
    gpu_dev_tools: () => judge(gpu({ devTools: 'on' })),
    gpu_repeated: () => judge([...gpu(), ...gpu()]),
    policy_gpu_architecture: () => judge(gpu(), { policy: { architectures: ['BLACKWELL'] } }),
    policy_gpu_count: () => judge(gpu(), { policy: { minGpus: 2 } }),
    policy_gpu_mode: () => judge(gpu({ ccMode: null })),
    policy_gpu_denied: () => judge(gpu(), { policy: { deniedDevices: [judge(gpu()).gpus[0]!.deviceId] } }),
};

describe('local checks of GPU evidence', () => {
    it('accepts minted evidence of one and of several GPUs, of either architecture', () => {
        const mixed = (['HOPPER', 'BLACKWELL'] as const).map((architecture) => createGpu(pki, { architecture }));
        const eight = Array.from({ length: 8 }, (_, i) => createGpu(pki, { name: `gpu ${i}` }));
        for (const gpus of [mixed, eight]) {
            const verdict = judge(mintGpuDocument(gpus, { nonce, featureFlag: 1 }));
            expect(verdict).toMatchObject({ verdict: 'accepted', failedCheck: null, nonce: nonce.toString('hex') });
            expect(verdict.checks).toMatchObject({ nonce: 'matched', mode: 'stated' });
            expect(verdict.gpus.map(({ feature }) => feature)).toEqual(gpus.map(() => 'multi'));
        }
    });

    it.each(Object.entries(flaws))('refuses with %s what has only that flaw', (code, flawed) => {
        expect(flawed()).toMatchObject({ verdict: 'rejected', failedCheck: code, validUntil: null });
    });

    it('has evidence for every code but those of tokens', () => {
        const local = gpuCheckCodes.filter((code) => !code.startsWith('nras_') && code !== 'internal_error');
        expect(Object.keys(flaws).sort()).toEqual([...local].sort());
    });

    const others: [string, () => GpuVerdict, GpuCheckCode][] = [
        ['a leaf that is an authority', () => device({ leaf: { isCa: true } }), 'gpu_chain_constraints'],
        ['a leaf that may sign certificates', () => device({ leaf: { keyUsage: 0x84 } }), 'gpu_chain_constraints'],
        ['a device that may not issue', () => device({ device: { keyUsage: 0x80 } }), 'gpu_chain_constraints'],
        ['an authority with too short a path', () => certified({ root: { pathLength: 2 } }), 'gpu_chain_constraints'],
        ['a leaf of another name', () => device({ leaf: { subject: 'GH100 A01 GSP' } }), 'gpu_chain_names'],
        ['a leaf that another issued', () => device({ leaf: { issuer: 'GH100 A02 GSP BROM' } }), 'gpu_chain_names'],
        ['a leaf not signed by its device', () => device({ leaf: { issuerKey: stranger } }), 'gpu_chain_signature'],
        [
            'a leaf not yet valid',
            () => device({ leaf: { notBefore: new Date(now.getTime() + 2000) } }),
            'gpu_chain_validity',
        ],
        ['a leaf without firmware', () => device({ dice: null }), 'gpu_fwid'],
        [
            'four certificates',
            () =>
                judge(
                    pem(
                        chainText()
                            .split(/(?<=END CERTIFICATE-----\n)/)
                            .slice(1)
                            .join(''),
                    ),
                ),
            'gpu_chain_encoding',
        ],
        [
            'two nonces',
            () => judge([...gpu(), ...gpu({ nonce: Buffer.alloc(32, 3) }, { name: 'second' })], { claims: {} }),
            'gpu_nonce',
        ],
        [
            'a stated nonce that was not asked',
            () => judge(gpu({ changes: { statedNonce: Buffer.alloc(32, 3) } }), { claims: {} }),
            'gpu_nonce',
        ],
        ['one device under two firmwares', () => judge([...gpu(), ...gpu({}, { firmware: '2' })]), 'gpu_repeated'],
        ['an unknown key in the document', () => judge([{ ...gpu()[0], note: 'x' }]), 'gpu_evidence_format'],
        ['seventeen GPUs', () => judge(Array.from({ length: 17 }, () => gpu()[0])), 'gpu_evidence_format'],
    ];
    it.each(others)('refuses %s', (_, flawed, code) => {
        expect(flawed()).toMatchObject({ verdict: 'rejected', failedCheck: code });
    });

    it('takes old firmware, which reports no FWID, by its leaf certificate', () => {
        expect(judge(gpu({ changes: { fwid: null } })).verdict).toBe('accepted');
    });

    it('takes evidence that states no mode where the policy does not ask', () => {
        const verdict = judge(gpu({ ccMode: null, devTools: null }), { policy: {} });
        expect(verdict).toMatchObject({ verdict: 'accepted', checks: { mode: 'unstated' } });
    });

    it('digests what the evidence says, not how its JSON is written', () => {
        const document = gpu();
        const [only] = document as [(typeof document)[number]];
        const digest = gpuEvidenceDigest(document);
        expect(gpuEvidenceDigest([{ ...only, nonce: only.nonce.toUpperCase() }])).toEqual(digest);
        expect(gpuEvidenceDigest([{ ...only, dev_tools: 'on' }])).not.toEqual(digest);
        expect(gpuEvidenceDigest([only, only])).not.toEqual(digest);
        expect(judge(document, { claims: { nonce, evidenceDigest: digest } }).verdict).toBe('accepted');
    });

    it('says what it read even where it refuses', () => {
        const verdict = judge(gpu({ ccMode: 'off' }));
        expect(verdict.gpus).toEqual([expect.objectContaining({ chip: 'GH100', ccMode: 'off', devTools: 'off' })]);
        expect(verdict.evidenceDigest).toMatch(/^[0-9a-f]{64}$/);
    });
});
