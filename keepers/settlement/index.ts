export { SettlementError, type SettlementErrorCode } from './errors';
export {
    decideSettlements,
    type SettlementBatch,
    type SettlementCandidate,
    type SettlementCosts,
    type SettlementPolicy,
    type SettlementReason,
} from './decide-settlements';
export { mergeSettleable, readSettleable, type ReceiptSources } from './receipt-sources';
export { viewChain, type ChainCandidate, type ChainView, type SkipReason, type ViewOptions } from './chain-candidates';
export { SettlerService, type SettlementSummary, type SettlerOptions } from './settler-service';
