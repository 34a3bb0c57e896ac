export {
    type Contradiction,
    decideActs,
    type TrustLists,
    type WatchAct,
    type WatchedKey,
    type WatchPolicy,
    type WatchView,
} from './decide-acts';
export { actCostNano } from './act-costs';
export { type WatchdogCounters, type WatchdogOptions, WatchdogService, type WatchSummary } from './watchdog-service';
export { KeyHistoryFile } from './key-history-file';
export type { KeyHistory, KeyHistoryStore, KnownKey } from './known-keys';
export type { ActOutcome } from './perform-acts';
