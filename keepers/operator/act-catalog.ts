import { admitNode } from './acts/admit-node';
import { allowHubCode } from './acts/allow-hub-code';
import { allowImage } from './acts/allow-image';
import { allowModel } from './acts/allow-model';
import { authorizeBundle } from './acts/authorize-bundle';
import { bond } from './acts/bond';
import { cancelProposal } from './acts/cancel-proposal';
import { claim } from './acts/claim';
import { closeEscrow } from './acts/close-escrow';
import { createProvider } from './acts/create-provider';
import { deployHub } from './acts/deploy-hub';
import { deployRegistry } from './acts/deploy-registry';
import { deployVerifier } from './acts/deploy-verifier';
import { executeProposal } from './acts/execute-proposal';
import { listHub } from './acts/list-hub';
import { openEscrow } from './acts/open-escrow';
import { postCollateral } from './acts/post-collateral';
import { pruneHub } from './acts/prune-hub';
import { recheckNode } from './acts/recheck-node';
import { registerByBond } from './acts/register-by-bond';
import { registerNode } from './acts/register-node';
import { retireHubCode } from './acts/retire-hub-code';
import { revokeHubCode } from './acts/revoke-hub-code';
import { revokeImage } from './acts/revoke-image';
import { revokeKey } from './acts/revoke-key';
import { revokeModel } from './acts/revoke-model';
import { revokePlatform } from './acts/revoke-platform';
import { setGuardian } from './acts/set-guardian';
import { setOwner } from './acts/set-owner';
import { setParameters } from './acts/set-parameters';
import { setQuotePolicy } from './acts/set-quote-policy';
import { setSession } from './acts/set-session';
import { setVerifier } from './acts/set-verifier';
import { settle } from './acts/settle';
import { showCollateral } from './acts/show-collateral';
import { showEscrow } from './acts/show-escrow';
import { showHubs } from './acts/show-hubs';
import { showNetwork } from './acts/show-network';
import { showProposals } from './acts/show-proposals';
import { showProvider } from './acts/show-provider';
import { slashNode } from './acts/slash-node';
import { topUp } from './acts/top-up';
import { unbond } from './acts/unbond';
import { unlistHub } from './acts/unlist-hub';
import { verifyQuote } from './acts/verify-quote';
import { withdraw } from './acts/withdraw';
import { withdrawBond } from './acts/withdraw-bond';
import { withdrawFees } from './acts/withdraw-fees';

/** Every act that a script of the same name runs. */
export const acts = {
    'admit-node': admitNode,
    'allow-hub-code': allowHubCode,
    'allow-image': allowImage,
    'allow-model': allowModel,
    'authorize-bundle': authorizeBundle,
    bond,
    'cancel-proposal': cancelProposal,
    claim,
    'close-escrow': closeEscrow,
    'create-provider': createProvider,
    'deploy-hub': deployHub,
    'deploy-registry': deployRegistry,
    'deploy-verifier': deployVerifier,
    'execute-proposal': executeProposal,
    'list-hub': listHub,
    'open-escrow': openEscrow,
    'post-collateral': postCollateral,
    'prune-hub': pruneHub,
    'recheck-node': recheckNode,
    'register-by-bond': registerByBond,
    'register-node': registerNode,
    'retire-hub-code': retireHubCode,
    'revoke-hub-code': revokeHubCode,
    'revoke-image': revokeImage,
    'revoke-key': revokeKey,
    'revoke-model': revokeModel,
    'revoke-platform': revokePlatform,
    'set-guardian': setGuardian,
    'set-owner': setOwner,
    'set-parameters': setParameters,
    'set-quote-policy': setQuotePolicy,
    'set-session': setSession,
    'set-verifier': setVerifier,
    settle,
    'show-collateral': showCollateral,
    'show-escrow': showEscrow,
    'show-hubs': showHubs,
    'show-network': showNetwork,
    'show-proposals': showProposals,
    'show-provider': showProvider,
    'slash-node': slashNode,
    'top-up': topUp,
    unbond,
    'unlist-hub': unlistHub,
    'verify-quote': verifyQuote,
    withdraw,
    'withdraw-bond': withdrawBond,
    'withdraw-fees': withdrawFees,
} as const;

export type ActName = keyof typeof acts;
