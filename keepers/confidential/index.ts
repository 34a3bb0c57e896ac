export { ConfidentialError, type ConfidentialErrorCode, type Fault } from './errors';
export {
    generateSecp256k1Signer,
    generateSigner,
    signerFromSecp256k1Key,
    signerFromSeed,
    type Signer,
    type SignatureToVerify,
    verifyNodeSignature,
    verifySignature,
} from './signing';
export { readStatement, type SignedStatement, type StatementExpectation, verifyStatement } from './statement';
export { isSuite, type RandomSource, type Suite } from './hpke';
export {
    decodeKemCertificate,
    hasBegun,
    issueKemCertificate,
    type KemCertificate,
    type KemCertificateFields,
    verifyKemCertificate,
} from './kem-certificate';
export {
    decodeOffer,
    findModel,
    issueOffer,
    type Offer,
    type OfferFields,
    type OfferModel,
    verifyOffer,
} from './offer';
export {
    costNano,
    type ModelPrices,
    type TokenUsage,
    usageProblem,
    usageWithin,
    type WorkBound,
    worstCaseNano,
    worstCaseTokens,
} from './pricing';
export {
    type CapRaise,
    capWindowHash,
    checkCapRaise,
    decodeCapRaise,
    encodeCapRaise,
    raisedCapOf,
    signCapRaise,
} from './cap-raise';
export { firstWindowNano, inputWorstCaseNano, windowGrowthNano } from './cap-window';
export { capabilityOf, type RequestedWork, requestedWork } from './work-bound';
export { type InnerRequest, keptHeaders } from './inner-request';
export { newRequestId } from './request-id';
export { checkContext, type ContextExpectation, type RequestContext } from './request-context';
export { checkCap, maxEnvelopeBytes, parseEnvelope, type ParsedEnvelope } from './envelope';
export {
    finishEnvelope,
    signRequestCap,
    type OpenedRequest,
    openRequest,
    type OpenRequestOptions,
    type PreparedRequest,
    prepareRequest,
    type PrepareRequestOptions,
} from './request';
export { type Hello, signHello, verifyHello } from './hello';
export { decodeUsage, encodeUsage, type SaltedUsage, usageHash } from './usage';
export { KemKeyring, type KemKeyringOptions } from './kem-keyring';
export {
    type AnswerBinding,
    type AnswerReceipt,
    binding,
    bindingOfEnvelope,
    receiptPayloadBytes,
    type ReceiptAmounts,
    verifyAnswerReceipt,
    withLiveCap,
} from './answer-receipt';
export { type AnswerError, type AnswerHead, isErrorParam } from './answer-data';
export { AnswerSealer, type AnswerSealerOptions, type SealedReceipt } from './answer-sealer';
export { type AnswerEvent, AnswerOpener, type AnswerOpenerOptions } from './answer-opener';
export { FrameSplitter } from './frame-splitter';
export { type WireFrame } from './frame-format';
export { ReceiptWatcher, type WatchedPiece } from './receipt-watcher';
