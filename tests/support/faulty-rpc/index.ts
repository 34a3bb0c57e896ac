export { type ChooseFault, type Fault, faults, type FaultyRequest, lies, sendFaults } from './faults';
export { FaultyRpc, type FaultyRpcOptions } from './faulty-rpc';
export { seededFaults, type SeededFaultsOptions, seededRandom } from './seeded-faults';
