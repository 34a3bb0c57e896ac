export { startDevnet, type RunningDevnet } from './start';
export { createSimulatedTee, simulatedMeasurements, type SimulatedTee } from './simulated-tee';
export { LocalNetwork } from './network/local-network';
export type { LocalNetworkOptions, RoleSettings } from './network/local-network-options';
export { superviseAll } from './network/supervision';
export { localTerms } from './network/local-terms';
export { DevnetError, type DevnetErrorCode } from './errors';
