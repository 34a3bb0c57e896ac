import { actScript } from '../keepers/operator/script';

/** Takes a model off the list at once (owner or guardian). */
export const run = actScript('revoke-model');
