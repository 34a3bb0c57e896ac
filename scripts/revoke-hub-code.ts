import { actScript } from '../keepers/operator/script';

/** Lets no hub with this code be listed any more, at once (owner or guardian). */
export const run = actScript('revoke-hub-code');
