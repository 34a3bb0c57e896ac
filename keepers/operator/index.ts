export {
    type ActConsole,
    type ActPlan,
    planMessage,
    type PlannedMessage,
    RecordingSender,
    runAct,
    type RunActOptions,
} from './act';
export { type ActName, acts } from './act-catalog';
export { type OperatorContext } from './context';
export { type Act } from './define-act';
export { DeploymentFile } from './deployment-file';
export { deployNetwork, type DeployNetworkOptions } from './deploy-network';
export { OperatorError, type OperatorErrorCode } from './errors';
export { type ChangeStatus, type ProposedChange } from './governance';
export { type NetworkSpec, networkSpec } from './network-spec';
export { admitNode, type Admission } from './acts/admit-node';
export { allowHubCode } from './acts/allow-hub-code';
export { allowImage } from './acts/allow-image';
export { allowModel } from './acts/allow-model';
export { authorizeBundle, type BundleAuthorization } from './acts/authorize-bundle';
export { bond } from './acts/bond';
export { cancelProposal, type CancelledProposal } from './acts/cancel-proposal';
export { claim, type ClaimResult } from './acts/claim';
export { closeEscrow } from './acts/close-escrow';
export { createProvider, type ProviderView } from './acts/create-provider';
export { deployHub, type HubView } from './acts/deploy-hub';
export { deployRegistry, type RegistryView } from './acts/deploy-registry';
export { deployVerifier, type VerifierView } from './acts/deploy-verifier';
export { executeProposal, type ExecutedProposal } from './acts/execute-proposal';
export { listHub, type ListedHubView } from './acts/list-hub';
export { openEscrow } from './acts/open-escrow';
export { postCollateral } from './acts/post-collateral';
export { recheckNode, type RecheckedNode } from './acts/recheck-node';
export { registerByBond } from './acts/register-by-bond';
export { registerNode, type RegisteredNode } from './acts/register-node';
export { retireHubCode } from './acts/retire-hub-code';
export { pruneHub } from './acts/prune-hub';
export { revokeHubCode } from './acts/revoke-hub-code';
export { revokeImage } from './acts/revoke-image';
export { revokeKey, type RevokedKey } from './acts/revoke-key';
export { revokeModel } from './acts/revoke-model';
export { revokePlatform } from './acts/revoke-platform';
export { setGuardian } from './acts/set-guardian';
export { setOwner } from './acts/set-owner';
export { setParameters } from './acts/set-parameters';
export { setQuotePolicy } from './acts/set-quote-policy';
export { setSession } from './acts/set-session';
export { setVerifier } from './acts/set-verifier';
export { settle, type SettlementResult } from './acts/settle';
export { showCollateral } from './acts/show-collateral';
export { showEscrow, type EscrowView } from './acts/show-escrow';
export { showHubs, type HubList } from './acts/show-hubs';
export { showNetwork, type NetworkView } from './acts/show-network';
export { showProposals, type OpenProposals } from './acts/show-proposals';
export { showProvider, type HubOfProvider, type ProviderWithKeys } from './acts/show-provider';
export { slashNode, type SlashedNode } from './acts/slash-node';
export { topUp } from './acts/top-up';
export { unbond } from './acts/unbond';
export { unlistHub, type UnlistedHub } from './acts/unlist-hub';
export { verifyQuote } from './acts/verify-quote';
export { withdraw, type Withdrawal } from './acts/withdraw';
export { withdrawBond, type BondWithdrawal } from './acts/withdraw-bond';
export { withdrawFees, type FeeWithdrawal } from './acts/withdraw-fees';
