import { actScript } from '../keepers/operator/script';

/** Withdraws what you unbonded, once the unbonding delay has passed. */
export const run = actScript('withdraw-bond');
