import { actScript } from '../keepers/operator/script';

/** Withdraws the accrued fees of your hub. */
export const run = actScript('withdraw-fees');
