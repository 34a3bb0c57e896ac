import { actScript } from '../keepers/operator/script';

/** Asks the contract for its verdict on a quote, by the collateral that the chain holds now; registers nothing. */
export const run = actScript('verify-quote');
