import { actScript } from '../keepers/operator/script';

/** Posts what Intel publishes of a platform family, from whom ever: quotes are judged by it on chain. */
export const run = actScript('post-collateral');
