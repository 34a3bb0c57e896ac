import { actScript } from '../keepers/operator/script';

/** Lowers your bond to an amount; the rest can be withdrawn seven days later. */
export const run = actScript('unbond');
