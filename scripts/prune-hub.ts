import { actScript } from '../keepers/operator/script';

/** Takes a hub of revoked or retired code off the registry's list. */
export const run = actScript('prune-hub');
