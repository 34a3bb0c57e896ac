import { actScript } from '../keepers/operator/script';

/** Denies a platform at once (owner or guardian). */
export const run = actScript('revoke-platform');
