export { chatSignatureFlaw, parseChatSignature } from './chat-signature';
export type { ChatSignature, ChatSignatureFlaw, SignedExchange } from './chat-signature';
export { dstackCheckCodes, type DstackCheckCode } from './check-codes';
export type { DstackDeployment } from './event-log';
export { mintDstackReport, type MintDstackReportOptions, type MintedDstackReport } from './mint-report';
export { maxDstackReportBytes, parseDstackReport, readDstackReportFile } from './report';
export type { DstackAttestation, DstackRole } from './report';
export { judgeDstackAttestation, verifyDstackAttestation } from './verify-report';
export type { DstackExpectation, DstackOs, DstackVerdict } from './verify-report';
