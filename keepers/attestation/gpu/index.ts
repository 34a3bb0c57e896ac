export { gpuDocumentSchema, gpuEvidenceDigest, maxGpus } from './evidence-document';
export type { GpuArchitecture, GpuDocument, GpuEvidence } from './evidence-document';
export { gpuNonceFor, type GpuNonceTerms } from './nonce';
export { gpuPolicySchema, type GpuPolicy, type GpuPolicyInput } from './policy';
export { gpuCheckCodes, type GpuCheckCode } from './verify/check-codes';
export { nvidiaRootPublicKey } from './verify/device-chain';
export type { GpuChecks, GpuFacts, GpuVerdict } from './verify/gpu-verdict';
export { verifyGpuEvidence, type GpuClaims, type VerifyGpuOptions } from './verify/verify-gpu';
