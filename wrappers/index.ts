export { capDigest, type Cap } from './cap';
export { scopePrefix, sha256, type ReceiptScope } from './digest';
export { StatementError, type StatementErrorCode } from './errors';
export {
    chargeRefusals,
    Escrow,
    escrowErrors,
    openAllowanceNano,
    type EscrowConfig,
    type EscrowPhase,
    type EscrowState,
    type RetiredSessionKey,
    type SessionOptions,
} from './escrow';
export {
    Payout,
    payoutErrors,
    type AdmittedNode,
    type CallOptions,
    type PayoutConfig,
    type PayoutState,
} from './payout';
export {
    decodeReceiptTail,
    encodeReceiptTail,
    receiptDigest,
    receiptReference,
    receiptTailBytes,
    type Receipt,
    type ReceiptTail,
} from './receipt';
export {
    checkNodeSignature,
    checkReceiptSignature,
    receiptSuites,
    suiteOfKey,
    type NodeSignature,
    type ReceiptSuite,
} from './receipt-suites';
export { addressOfNodeKey, addressSigner, nodeKeyOfAddress, recoverNodeKey, type AddressSigner } from './secp256k1';
export {
    buildSettlementLines,
    inTagOrder,
    maxSettlementLines,
    parseSettlementLines,
    type CapTail,
    type ParsedSettlementLine,
    type SettlementLine,
} from './settlement';
export {
    changeLogHash,
    decodeRegistryChange,
    encodeGovernanceAction,
    isRevocation,
    type GovernanceAction,
    type ImageKind,
    type QuotePolicy,
    type RegistryParameters,
    type Revocation,
} from './governance-actions';
export {
    authorizationCell,
    authorizationDigest,
    possessionDigest,
    decodeKeyBundle,
    encodeKeyBundle,
    keyBundleBytes,
    keyBundleCell,
    keyBundleHash,
    parseKeyBundleCell,
    reportDataFor,
    type KeyBundle,
} from './key-bundle';
export {
    admissionValueNano,
    evidenceWindowSec,
    Provider,
    providerErrors,
    signedReceiptCell,
    type EvidenceReceipt,
    type NodeKey,
    type ProviderCallOptions,
    type ProviderConfig,
    type ProviderState,
    type SlashOptions,
} from './provider';
export {
    endpointCell,
    Registry,
    registrationRefusals,
    registryErrors,
    type AllowedImage,
    type Distrusted,
    type HubCode,
    type HubListing,
    type NetworkKind,
    type PlatformKey,
    type Proposal,
    type RegistryCallOptions,
    type RegistryConfig,
    type RegistryState,
} from './registry';
export { cutQuote, packPartsOfKnownPck, packQuote, pckKeyHash } from './quote-packer';
export {
    packPckRevocationList,
    packRootRevocationList,
    packSignedText,
    type SignedRevocationList,
    type SignedText,
} from './collateral-packer';
export {
    type HeldCollateral,
    type HeldQeIdentity,
    type HeldRevocationList,
    type HeldTcbInfo,
    type InForce,
    usableEvaluation,
} from './held-collateral';
export { type PlatformStatus, platformStatuses } from './platform-status';
export { failedCheckOf, type VerifierMessage } from './quote-refusals';
export { QuotePackError, type QuotePackErrorCode } from './quote-packer-error';
export {
    intelRootKey,
    QuoteVerifier,
    quoteVerifierErrors,
    verifyQuoteBody,
    type QuoteVerifierConfig,
    type VerifiedQuote,
    type VerifyQuoteOptions,
} from './quote-verifier';
export {
    emptyChangeLog,
    followChangeLog,
    isRegistryChanged,
    type ChangeLogHead,
    type LoggedChange,
} from './change-log';
export { type HubNodeEvent, readHubNodeEvent } from './hub-events';
export { admittedNodes, type StoredHubNodes } from './hub-nodes';
