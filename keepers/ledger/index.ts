export { LedgerError, type LedgerErrorCode } from './errors';
export { openDatabase, type Database, type DatabaseOptions } from './database';
export { schemaVersion } from './migrations';
export { inspectLedger, type LedgerInspection } from './inspect-ledger';
export { requireLedger } from './require-ledger';
export { inspectPostgres, type PostgresInspection } from './postgres/inspect-postgres';
export { LedgerWriter, type LedgerWriterOptions } from './ledger-writer';
export { abandonedAfterMs, Outbox } from './outbox';
export { openOutboxFile, type OutboxFile } from './outbox-file';
export { type IntentClosure, type NewIntent, type OutboxEntry, type OutboxState } from './outbox-records';
export { type EscrowFunds, type SignedCap, type SignedReceipt, type StreamId } from './records';
export {
    type CapRaiseRecord,
    type CapRecord,
    type DispatchRequest,
    type DispatchRequestState,
    type ReceiptOutcome,
    type ReceiptRecord,
    type Settleable,
    type StoredReceipt,
} from './dispatch-records';

export { type Lease, Leases } from './leases';
export { keepLease, type KeptLease } from './keep-lease';
export { LedgerUse, ledgerUseLeaseMs } from './ledger-use';
export { type AuditReport } from './maintenance/audit';
export { type BackupSummary } from './maintenance/backup';
export { type Compaction, minRetentionMs } from './maintenance/compact';
export { RetentionJob, type RetentionJobOptions } from './retention-job';
export { type DispatchLedger, type DispatchLedgerOptions, openDispatchLedger } from './dispatch-ledger';
export { type GatewayReceipt, type GatewayRequest, type Usage } from './gateway-records';
export { type GatewayRequestState } from './gateway-statements';
export { FollowedNodeLog } from './followed-node-log';
export { GatewayLedger } from './gateway-ledger';
export { type RaisedCap, type Reservation, type SentCap } from './gateway-reservations';
export { type IdempotencyMark, type IdempotentAttempt, idempotencyRetentionMs } from './idempotency-records';
export { type KeptAnswer, maxKeptAnswerBytes } from './kept-answers';
export { type BudgetPeriod, budgetLeftNano, type KeySpend, type SpendingKey } from './key-budget';
export { NodeLog } from './node-log';
export { type NodeLogEntry, type NodeLogSummary } from './node-log-entry';
export { readNodeLogSettleable, scanNodeLog } from './node-log-reader';
export { streamName } from './latest-receipts';
