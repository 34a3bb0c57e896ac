import { actScript } from '../keepers/operator/script';

/** Shows a network’s registry, what it allows, what is proposed, and its hubs. */
export const run = actScript('show-network');
