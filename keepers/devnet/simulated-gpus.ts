import { createGpu, createGpuPki, mintGpuDocument } from '../attestation';
import type { NodeGpus } from '../node';

export interface SimulatedGpusOptions {
    pkiSeed: Buffer;
    /** Hosts of different numbers have different GPUs. */
    platform: number;
    architecture?: 'HOPPER' | 'BLACKWELL';
    count: number;
}

/** Root of the GPUs of a development network, an uncompressed P-384 point: what its deployment file pins. */
export function simulatedGpuRoot(pkiSeed: Buffer): Buffer {
    return createGpuPki({ seed: pkiSeed, now: new Date() }).rootPublicKey;
}

/**
 * GPUs that exist on paper only. Their evidence goes through the same verifiers as NVIDIA's, under the root that the network's
 * deployment file pins; a production network pins NVIDIA's and refuses it.
 */
export function createSimulatedGpus({ pkiSeed, platform, architecture, count }: SimulatedGpusOptions): NodeGpus {
    const pki = createGpuPki({ seed: pkiSeed, now: new Date() });
    const gpus = Array.from({ length: count }, (_, index) =>
        createGpu(pki, { name: `host ${platform} gpu ${index}`, architecture }),
    );
    return {
        source: { evidence: async (nonce) => mintGpuDocument(gpus, { nonce }) },
        count,
        rootPublicKey: pki.rootPublicKey,
    };
}
