export { type AdminListen } from './admin-server';
export { addDrainActs, type Drainable } from './drain-acts';
export { AdminError, type AdminErrorCode } from './errors';
export { type NotReady, type Readiness, ReadinessBook } from './readiness';
export { Sampler, type SamplerOptions } from './sampler';
export { type AdminAct, RoleTelemetry, type TelemetryOptions } from './telemetry';
export { DispatcherMetrics, type DispatcherFacts } from './roles/dispatcher-metrics';
export { GatewayMetrics, type GatewayFacts } from './roles/gateway-metrics';
export { NodeMetrics, type NodeFacts } from './roles/node-metrics';
export { type CollateralPiece, RegistrarMetrics } from './roles/registrar-metrics';
export { type ObservedRequest, RequestMetrics } from './roles/request-metrics';
export { type ObservedRound, SettlerMetrics, watchOwnSettling } from './roles/settler-metrics';
export { watchGasWallet, type WatchedWallet } from './roles/wallet-metrics';
export { freeBytesOf } from './process-metrics';
export {
    LedgerMetrics,
    watchDispatchLedger,
    type WatchedDispatchLedger,
    watchLedgerFile,
} from './roles/ledger-metrics';
export { watchLeases, type WatchedLeases } from './roles/lease-metrics';
export { watchOutbox, type WatchedOutbox, type WatchedSender } from './roles/outbox-metrics';
export { type WatchedWatchdog, watchWatchdog } from './roles/watchdog-metrics';
export { watchCertificate } from './roles/certificate-metrics';
export { watchChain, type WatchedChain } from './roles/chain-metrics';
export { type WatchedRetention, watchRetention } from './roles/retention-metrics';
export { type Hop, RequestTracer, tracedAttributes } from './tracing';
