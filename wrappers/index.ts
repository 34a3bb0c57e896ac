export { capDigest, type Cap } from './cap';
export { scopePrefix, sha256, type ReceiptScope } from './digest';
export { StatementError, type StatementErrorCode } from './errors';
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
