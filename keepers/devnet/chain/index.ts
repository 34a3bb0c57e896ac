export { DevnetChain, type SupplyReport } from './devnet-chain';
export { ChainError, type ChainErrorCode } from './errors';
export type { ChainOptions, DevnetChainOptions } from './options';
export { type RunningDevnetChain, startDevnetChain } from './start';
