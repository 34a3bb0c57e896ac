export { SettlementError, type SettlementErrorCode } from './errors';
export {
    decideSettlements,
    type SettlementBatch,
    type SettlementCandidate,
    type SettlementCosts,
    type SettlementPolicy,
    type SettlementReason,
} from './decide-settlements';
export { mergeSettleable, type ReadReceipts, type ReceiptSources, SettleableReceipts } from './receipt-sources';
export { viewChain, type ChainCandidate, type ChainView, type SkipReason, type ViewOptions } from './chain-candidates';
export { LineSignatures } from './line-signatures';
export { HeldLines, type FailedLine, type HoldPolicy } from './held-lines';
export { Turns, defaultTurns, type TurnOptions } from './turns';
export { applyFeeLimits, type FeeLimits, type FeeRefusal } from './fee-limits';
export type { DeferReason, SettlementSummary, SettlerReport } from './settlement-summary';
export type { UnreadableLog } from './unreadable-log';
export type { SettlerOptions } from './settler-options';
export { SettlerService } from './settler-service';
