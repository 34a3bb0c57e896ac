import { createHash } from 'node:crypto';

/** What of a key bundle the GPUs' nonce is made of: all that is known before their evidence, whose digest the bundle names. */
export interface GpuNonceTerms {
    network: Buffer;
    provider: Buffer;
    suite: number;
    signingKey: Buffer;
    mcRootHash: Buffer;
}

/**
 * SHA-256("CGpu" | network:32 | provider:32 | suite:1 | signing_key | mc_root_hash:32): whoever checks a node's GPUs computes
 * it from the bundle, so the evidence was made for this key after that block. The digest of the evidence is not in it, for
 * it does not exist yet; the bundle names it, so evidence and bundle bind each other.
 */
export function gpuNonceFor({ network, provider, suite, signingKey, mcRootHash }: GpuNonceTerms): Buffer {
    return createHash('sha256')
        .update('CGpu')
        .update(network)
        .update(provider)
        .update(Buffer.from([suite]))
        .update(signingKey)
        .update(mcRootHash)
        .digest();
}
