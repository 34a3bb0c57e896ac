import { z } from 'zod';
import { adminField, chainField, logLevelField, nanoField, retentionField, urlField } from '../fields';

export const shared = {
    chain: chainField,
    /** deployments/<network>.json: the addresses that pin the network. */
    deploymentFile: z.string().min(1),
    logLevel: logLevelField,
    /** Metrics, health and the operator's acts; without it nothing is served. */
    admin: adminField.optional(),
};

/** What a keeper pays for its messages with. */
export const gasWallet = {
    gasWalletFile: z.string().min(1),
    /** `highload-v3` sends many requests side by side; its address differs. */
    gasWalletKind: z.enum(['v5r1', 'highload-v3']).default('v5r1'),
    /** Where messages are recorded before they are sent; beside the keeper's other data when absent. */
    outboxFile: z.string().min(1).optional(),
    /** How long messages that are done are kept there, and a node's receipts that later ones stand for. */
    retentionHours: retentionField(30),
    /** Below this the role warns; what its dearest acts attach when absent. */
    gasLowNano: nanoField.optional(),
};

/** What an operator lets its keeper spend on messages, nanoTON. */
export const feeLimits = {
    maxFeePerSettlementNano: nanoField.optional(),
    maxFeePerDayNano: nanoField.optional(),
};

export const collateralField = z.strictObject({
    /** Intel PCS, a PCCS, or the development network's own service. */
    url: urlField.default('https://api.trustedservices.intel.com'),
});

/** AMD’s key distribution service. */
export const amdKdsUrl = 'https://kdsintf.amd.com';
