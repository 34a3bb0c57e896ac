export { startDevnet, type RunningDevnet } from './start';
export { createSimulatedTee, simulatedMeasurements, type SimulatedTee } from './simulated-tee';
export { LocalNetwork, type LocalNetworkOptions, type RoleSettings } from './network/local-network';
export { localTerms } from './network/local-terms';
export { DevnetError, type DevnetErrorCode } from './errors';
