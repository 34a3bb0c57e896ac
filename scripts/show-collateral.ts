import { actScript } from '../keepers/operator/script';

/** Shows what collateral the chain holds, and until when quotes can be verified by it. */
export const run = actScript('show-collateral');
