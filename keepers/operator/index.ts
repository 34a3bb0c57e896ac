export {
    type ActConsole,
    type ActPlan,
    planMessage,
    type PlannedMessage,
    RecordingSender,
    runAct,
    type RunActOptions,
} from './act';
export { type OperatorContext } from './context';
export { type Act } from './define-act';
export { DeploymentFile } from './deployment-file';
export { deployNetwork, type DeployNetworkOptions } from './deploy-network';
export { OperatorError, type OperatorErrorCode } from './errors';
export { type ChangeStatus, type ProposedChange } from './governance';
export { type NetworkSpec, networkSpec } from './network-spec';
export { allowImage } from './acts/allow-image';
export { allowModel } from './acts/allow-model';
export { bond } from './acts/bond';
export { claim, type ClaimResult } from './acts/claim';
export { closeEscrow } from './acts/close-escrow';
export { createProvider, type ProviderView } from './acts/create-provider';
export { deployHub, type HubView } from './acts/deploy-hub';
export { deployRegistry, type RegistryView } from './acts/deploy-registry';
export { deployVerifier, type VerifierView } from './acts/deploy-verifier';
export { openEscrow } from './acts/open-escrow';
export { setParameters } from './acts/set-parameters';
export { setVerifier } from './acts/set-verifier';
export { showEscrow, type EscrowView } from './acts/show-escrow';
export { topUp } from './acts/top-up';
export { withdraw, type Withdrawal } from './acts/withdraw';
