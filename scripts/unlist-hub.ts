import { actScript } from '../keepers/operator/script';

/** Takes your hub off the registry’s list; its bond comes back to you. */
export const run = actScript('unlist-hub');
