import { admitNode } from './acts/admit-node';
import { allowImage } from './acts/allow-image';
import { allowModel } from './acts/allow-model';
import { authorizeBundle } from './acts/authorize-bundle';
import { bond } from './acts/bond';
import { claim } from './acts/claim';
import { closeEscrow } from './acts/close-escrow';
import { createProvider } from './acts/create-provider';
import { deployHub } from './acts/deploy-hub';
import { deployRegistry } from './acts/deploy-registry';
import { deployVerifier } from './acts/deploy-verifier';
import { executeProposal } from './acts/execute-proposal';
import { openEscrow } from './acts/open-escrow';
import { postCollateral } from './acts/post-collateral';
import { registerNode } from './acts/register-node';
import { setParameters } from './acts/set-parameters';
import { setSession } from './acts/set-session';
import { setVerifier } from './acts/set-verifier';
import { settle } from './acts/settle';
import { showCollateral } from './acts/show-collateral';
import { showEscrow } from './acts/show-escrow';
import { showNetwork } from './acts/show-network';
import { showProvider } from './acts/show-provider';
import { topUp } from './acts/top-up';
import { unbond } from './acts/unbond';
import { verifyQuote } from './acts/verify-quote';
import { withdraw } from './acts/withdraw';
import { withdrawBond } from './acts/withdraw-bond';
import { withdrawFees } from './acts/withdraw-fees';

/** Every act that a script of the same name runs. */
export const acts = {
    'admit-node': admitNode,
    'allow-image': allowImage,
    'allow-model': allowModel,
    'authorize-bundle': authorizeBundle,
    bond,
    claim,
    'close-escrow': closeEscrow,
    'create-provider': createProvider,
    'deploy-hub': deployHub,
    'deploy-registry': deployRegistry,
    'deploy-verifier': deployVerifier,
    'execute-proposal': executeProposal,
    'open-escrow': openEscrow,
    'post-collateral': postCollateral,
    'register-node': registerNode,
    'set-parameters': setParameters,
    'set-session': setSession,
    'set-verifier': setVerifier,
    settle,
    'show-collateral': showCollateral,
    'show-escrow': showEscrow,
    'show-network': showNetwork,
    'show-provider': showProvider,
    'top-up': topUp,
    unbond,
    'verify-quote': verifyQuote,
    withdraw,
    'withdraw-bond': withdrawBond,
    'withdraw-fees': withdrawFees,
} as const;

export type ActName = keyof typeof acts;
