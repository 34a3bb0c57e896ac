import { actScript } from '../keepers/operator/script';

/** Takes an image off the list at once (owner or guardian). */
export const run = actScript('revoke-image');
