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
    buildSettlementLines,
    maxSettlementLines,
    parseSettlementLines,
    type CapTail,
    type ParsedSettlementLine,
    type SettlementLine,
} from './settlement';
