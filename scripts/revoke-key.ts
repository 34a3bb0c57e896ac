import { actScript } from '../keepers/operator/script';

/** Revokes a node key of your provider for good; tell its hubs with admit-node. */
export const run = actScript('revoke-key');
