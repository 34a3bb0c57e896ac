import { actScript } from '../keepers/operator/script';

/** Raises a provider’s bond to an amount, sending only what is missing. */
export const run = actScript('bond');
