import { actScript } from '../keepers/operator/script';

/** Shows the hubs that the registry lists, with endpoint, bond and terms, and the codes that hubs may have. */
export const run = actScript('show-hubs');
