import { actScript } from '../keepers/operator/script';

/** Starts the close delay of your escrow, after which everything uncharged can be withdrawn. */
export const run = actScript('close-escrow');
