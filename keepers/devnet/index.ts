export { startDevnet, type RunningDevnet } from './start';
export { createSimulatedTee, simulatedMeasurements, type SimulatedTee } from './simulated-tee';
export { LocalNetwork, type LocalNetworkOptions, localTerms, type RoleSettings } from './network/local-network';
export { DevnetError, type DevnetErrorCode } from './errors';
