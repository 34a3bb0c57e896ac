import { actScript } from '../keepers/operator/script';

/** Claims everything a hub owes to your wallet. */
export const run = actScript('claim');
