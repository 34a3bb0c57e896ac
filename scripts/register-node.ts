import { actScript } from '../keepers/operator/script';

/** Has a node’s quote verified on chain and its key recorded under its provider. */
export const run = actScript('register-node');
