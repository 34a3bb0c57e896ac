import { actScript } from '../keepers/operator/script';

/** Raises an escrow’s balance to an amount, sending only what is missing. */
export const run = actScript('top-up');
