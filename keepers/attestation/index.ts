export {
    verifyQuote,
    verifyQuoteSignature,
    verifyTdxQuote,
    intelRootPublicKey,
    maxQuoteLength,
} from './verify/verify-quote';
export type { VerifyOptions } from './verify/verify-quote';
export { checkCodes, type CheckCode } from './verify/check-codes';
export type { EvaluationStatus } from './verify/tcb-status';
export { platformIdOf, type EnclaveMeasurements, type TdMeasurements, type Verdict } from './verify/verdict';
export { collateralKeys, type Collateral } from './collateral-shape';
export { defaultPolicy, policySchema, type EvidenceClaims, type Policy, type PolicyInput } from './policy/policy';
export { imageIdOf, type ImageMeasurements } from './image-id';
export { createDevelopmentPki, createPlatform, defaultFacts } from './mint/pki';
export type { DevelopmentPki, DevelopmentPlatform, PkiOptions, PlatformOptions } from './mint/pki';
export { mintCollateral, type CollateralOptions } from './mint/collateral';
export { mintSgxQuote, mintTdxQuote } from './mint/quote';
export type {
    MintedEvidence,
    MintedMeasurements,
    MintSgxQuoteOptions,
    MintTdxQuoteOptions,
    QuoteChanges,
} from './mint/quote';
export { VerdictCache, type VerdictCacheOptions } from './verdict-cache';
export { EvaluationFloor } from './evaluation-floor';
export { AttestationError, type AttestationErrorCode } from './errors';
export { collateralNeeds } from './collateral/needs';
export type { CollateralNeeds, CollateralPart } from './collateral/parts';
export { intelPcsUrl, PcsClient, type PcsClientOptions } from './collateral/pcs-client';
export { CollateralService, type CollateralServiceOptions } from './collateral/collateral-service';
export { readBundle, readCollateralFile, writeBundle } from './collateral/files';
export { startPcsServer, type PcsServer, type PcsServerOptions } from './collateral/pcs-server';
export { inspectQuote, type QuoteInspection } from './inspect-quote';
export { revocationListIssuedAt } from './parse/crl';
export { pckAuthorityOf } from './collateral/needs';
export { inspectQuoteFile, readPolicyFile, readQuoteFile, verifyQuoteFile } from './quote-file';
export type { QuoteFileResult, VerifyQuoteFileOptions } from './quote-file';
export { readServedEvidence, verifyServedEvidence, type ServedEvidence } from './served-evidence';
export {
    amdKdsUrl,
    authorityNeeds,
    createSnpDevelopmentPki,
    defaultSnpPolicy,
    endorsementNeeds,
    judgeServedReport,
    KdsClient,
    KdsService,
    mintSnpReport,
    productLines,
    readSnpPolicyFile,
    snpCheckCodes,
    snpDevelopmentRootKeyHash,
    snpImageIdOf,
    snpPlatformIdOf,
    snpPolicySchema,
    startKdsServer,
    verifySnpReport,
} from './snp';
export type {
    AuthorityNeeds,
    EndorsementNeeds,
    KdsServer,
    MintedSnpEvidence,
    MintSnpOptions,
    ProductLine,
    ServedReport,
    SnpCertificates,
    SnpCheckCode,
    SnpDevelopmentPki,
    SnpImage,
    SnpMeasurements,
    SnpPolicy,
    SnpPolicyInput,
    SnpVerdict,
    VerifySnpOptions,
} from './snp';
export {
    createGpu,
    createGpuPki,
    createNrasSigner,
    gpuCheckCodes,
    gpuDocumentSchema,
    gpuEvidenceDigest,
    gpuNonceFor,
    gpuPolicySchema,
    maxGpus,
    mintGpuDocument,
    mintNrasToken,
    NrasClient,
    nrasKeysOf,
    nvidiaNrasUrl,
    nvidiaRootPublicKey,
    readGpuPair,
    readJsonFile,
    startNrasServer,
    verifyGpuEvidence,
    verifyGpuEvidenceWithNras,
} from './gpu';
export type {
    GpuCheckCode,
    GpuDocument,
    GpuFacts,
    GpuPki,
    GpuPolicyInput,
    GpuVerdict,
    NrasServer,
    NrasTrust,
    VerifyGpuOptions,
} from './gpu';
