export { verifySnpReport, type VerifySnpOptions } from './verify/verify-report';
export { snpCheckCodes, type SnpCheckCode } from './verify/check-codes';
export type { SnpCertificates } from './verify/chain';
export { snpPlatformIdOf, type SnpMeasurements, type SnpVerdict } from './verify/verdict';
export { snpImageIdOf, type SnpImage } from './image-id';
export { defaultSnpPolicy, snpPolicySchema, type SnpPolicy, type SnpPolicyInput } from './policy';
export { productLines, type ProductLine } from './product';
