import { actScript } from '../keepers/operator/script';

/** Withdraws everything uncharged from your escrow once its close delay has passed. */
export const run = actScript('withdraw');
