import {
    createGpu,
    createGpuPki,
    mintGpuDocument,
    verifyGpuEvidence,
    type GpuDeviceOptions,
    type GpuPkiOptions,
    type GpuVerdict,
    type MintGpuOptions,
    type VerifyGpuOptions,
} from '../../../../keepers/attestation/gpu';

export const now = new Date('2026-02-20T12:00:00Z');
export const seed = Buffer.alloc(32, 7);
export const nonce = Buffer.alloc(32, 0x42);

export const developmentGpuPki = (certificates?: GpuPkiOptions['certificates']) =>
    createGpuPki({ seed, now, certificates });
export const pki = developmentGpuPki();

/** Good evidence of one GPU, with what is asked to be different. */
export function gpu(options: Partial<MintGpuOptions> = {}, device: GpuDeviceOptions = {}, from = pki) {
    return mintGpuDocument([createGpu(from, device)], { nonce, ...options });
}

/** Judged as a gateway does: nonce known, mode stated. */
export function judge(document: unknown, options: Partial<VerifyGpuOptions> = {}): GpuVerdict {
    return verifyGpuEvidence(document, {
        at: now,
        rootPublicKey: pki.rootPublicKey,
        policy: { modeStatement: 'required' },
        claims: { nonce },
        ...options,
    });
}
