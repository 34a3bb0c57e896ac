import { actScript } from '../keepers/operator/script';

/** Shows a provider, its bond and its node keys as the chain has them. */
export const run = actScript('show-provider');
